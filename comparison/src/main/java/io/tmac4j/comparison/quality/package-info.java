/** What a model's predictions are worth on a text: perplexity, and how far the engines' predictions lie apart. */
package io.tmac4j.comparison.quality;
