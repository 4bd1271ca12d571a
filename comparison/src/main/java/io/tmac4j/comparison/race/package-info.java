/** Both engines generate the same text side by side, for people to watch. */
package io.tmac4j.comparison.race;
