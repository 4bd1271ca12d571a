/** What decides on this computer whether {@code tmac} works, and how fast. */
package io.tmac4j.comparison.doctor;
