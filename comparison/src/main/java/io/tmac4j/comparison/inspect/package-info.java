/** What a GGUF file holds and how its tensors are used. */
package io.tmac4j.comparison.inspect;
