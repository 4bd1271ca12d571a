/** The subcommands of {@code tmac}: options in, calls of the other packages, results out. */
package io.tmac4j.comparison;
