/** Text in, text out: prompts, sampled continuations. */
package io.tmac4j.comparison.text;
