/** The arithmetic of measurements: medians, spread, bootstrap intervals, steady state, outliers. */
package io.tmac4j.comparison.stats;
