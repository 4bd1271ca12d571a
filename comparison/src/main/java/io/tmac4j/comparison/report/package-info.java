/** Results of several machines side by side: a self-contained page with figures, tables, comma separated values. */
package io.tmac4j.comparison.report;
