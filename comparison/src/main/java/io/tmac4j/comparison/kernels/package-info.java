/** Single matrix products of an engine beside llama.cpp's own: rates, share of the memory's bandwidth, errors. */
package io.tmac4j.comparison.kernels;
