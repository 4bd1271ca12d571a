package io.tmac4j.bindings;

import java.util.Objects;

/**
 * What an answer may look like: a grammar in llama.cpp's notation GBNF, whose rule {@code root} the whole answer follows.
 * Grammars that llama.cpp would not survive are refused, among them left recursion, also behind parts that may be empty, and
 * tokens by name or number ({@code <...>}).
 *
 * <p>An ambiguous grammar, which derives the same text in many ways, may take llama.cpp very long.
 *
 * @param gbnf the text of the grammar
 */
public record Grammar(String gbnf) {

    /**
     * A grammar.
     *
     * @throws GrammarException if it is not valid
     */
    public Grammar {
        GbnfCheck.check(Objects.requireNonNull(gbnf, "gbnf"));
    }

    /**
     * A grammar by its text, e.g. {@code root ::= "yes" | "no"}.
     *
     * @throws GrammarException if it is not valid
     */
    public static Grammar of(String gbnf) {
        return new Grammar(gbnf);
    }

    /**
     * The JSON texts that a JSON schema describes. These parts of a schema are understood: {@code type}, {@code enum},
     * {@code const}, {@code anyOf}, {@code oneOf} (as {@code anyOf}), {@code $ref} to a place in the same schema; of strings
     * {@code minLength}, {@code maxLength} and the formats {@code date}, {@code time}, {@code date-time} and {@code uuid}; of
     * integers {@code minimum} and {@code maximum} if at most 256 values lie between them; of arrays {@code items},
     * {@code prefixItems}, {@code minItems} and {@code maxItems}; of objects {@code properties}, {@code required} and
     * {@code additionalProperties}. Properties come in the order of the schema, and beside those that it names there are no
     * others.
     *
     * @param schema the schema as JSON
     * @throws GrammarException if it is no JSON, or says anything else that would restrict the texts
     */
    public static Grammar ofJsonSchema(String schema) {
        return new Grammar(JsonSchema.toGbnf(schema));
    }
}
