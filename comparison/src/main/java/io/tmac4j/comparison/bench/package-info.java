/** Measuring: what a test is, in which order contestants run, when they are warm, what is written down. */
package io.tmac4j.comparison.bench;
