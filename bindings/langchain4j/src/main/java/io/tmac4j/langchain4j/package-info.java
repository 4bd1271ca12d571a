/** tmac4j as a model of LangChain4j. */
package io.tmac4j.langchain4j;
