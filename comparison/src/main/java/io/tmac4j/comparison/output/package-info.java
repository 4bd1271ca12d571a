/** Where results and progress go, and the forms they take: Markdown, CSV, JSON, JSON lines. */
package io.tmac4j.comparison.output;
