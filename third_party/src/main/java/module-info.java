/** Build tool: fetches llama.cpp's prebuilt libraries and lays them out for the natives jars. Not part of the product. */
module io.tmac4j.natives {
}
