/** Models made on the spot: random weights in any block format, written straight into GGUF files, and the bundled demo model. */
package io.tmac4j.comparison.synth;
