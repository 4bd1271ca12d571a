/** Text in, text out: prompts, sampled continuations, characters that span tokens. */
package io.tmac4j.comparison.text;
