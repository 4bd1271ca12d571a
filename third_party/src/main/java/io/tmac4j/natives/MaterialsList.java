package io.tmac4j.natives;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.StringJoiner;

/**
 * The bill of materials of a natives jar, in CycloneDX's format: Maven's own lists know nothing of what is not from Maven. No
 * date and no serial number, so that the same input gives the same bytes.
 */
final class MaterialsList {

    private MaterialsList() {
    }

    /** Names llama.cpp, the package that its build comes from, and each library with its hash. */
    static void write(Pin pin, Map<String, byte[]> libraries, Path file) throws IOException {
        StringJoiner components = new StringJoiner(",\n", "  \"components\": [\n", "\n  ]\n");
        components.add(component("library", "llama.cpp", pin.release(), "pkg:github/ggml-org/llama.cpp@" + pin.release(), ""));
        components.add(component("library", pin.packageName(), pin.version(),
                "pkg:npm/" + pin.packageName().replace("@", "%40") + "@" + pin.version(), pin.sha512()));
        for (Map.Entry<String, byte[]> library : libraries.entrySet()) {
            components.add(component("file", library.getKey(), pin.release(), "", Sha512.of(library.getValue())));
        }
        Files.writeString(file, """
                {
                  "bomFormat": "CycloneDX",
                  "specVersion": "1.6",
                  "version": 1,
                """ + components + "}\n");
    }

    /** One component; every name and version here is of letters that JSON takes as they are. */
    private static String component(String type, String name, String version, String url, String sha512) {
        return "    {\"type\": \"" + type + "\", \"name\": \"" + name + "\", \"version\": \"" + version + "\""
                + (url.isEmpty() ? "" : ", \"purl\": \"" + url + "\"")
                + (sha512.isEmpty() ? "" : ", \"hashes\": [{\"alg\": \"SHA-512\", \"content\": \"" + sha512 + "\"}]")
                + ", \"licenses\": [{\"license\": {\"id\": \"MIT\"}}]}";
    }
}
