package io.tmac4j.bindings;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Turns a JSON schema into a grammar. Every text of the grammar is valid by the schema; where the schema would restrict texts in
 * a way that the grammar cannot, it is refused.
 */
final class JsonSchema {

    private static final int MOST_INTEGERS = 256;

    /** Keywords that restrict nothing. */
    private static final Set<String> NOTES = Set.of("$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title",
            "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "contentMediaType", "contentEncoding",
            "$vocabulary");

    /** Keywords that restrict one type, and that are understood. */
    private static final Map<String, Set<String>> KEYWORDS = Map.of(
            "string", Set.of("minLength", "maxLength", "format"),
            "integer", Set.of("minimum", "maximum"),
            "array", Set.of("items", "prefixItems", "minItems", "maxItems"),
            "object", Set.of("properties", "required", "additionalProperties"));

    /** Keywords beside those that restrict one type, by that type. */
    private static final Map<String, Set<String>> UNKNOWN = Map.of(
            "string", Set.of("pattern"),
            "number", Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
            "integer", Set.of("exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
            "array", Set.of("contains", "minContains", "maxContains", "uniqueItems", "unevaluatedItems", "additionalItems"),
            "object", Set.of("patternProperties", "propertyNames", "minProperties", "maxProperties", "dependentRequired",
                    "dependentSchemas", "dependencies", "unevaluatedProperties"));

    private static final List<String> TYPES = List.of("object", "array", "string", "number", "integer", "boolean", "null");

    /** Rules that refer to none but others here; a little white space, so that no answer consists of it. */
    private static final Map<String, String> COMMON = Map.ofEntries(
            Map.entry("ws", "\"\" | \" \" | \"\\n\" \" \"{0,8}"),
            Map.entry("char", "[^\"\\\\\\x7F\\x01-\\x1F] | \"\\\\\" "
                    + "([\"\\\\/bfnrt] | \"u\" ([0-9a-cefA-CEF] hex{3} | [dD] [0-7] hex{2}))"),
            Map.entry("hex", "[0-9a-fA-F]"),
            Map.entry("integer", "\"-\"? (\"0\" | [1-9] [0-9]{0,15})"),
            Map.entry("number", "integer (\".\" [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?"),
            Map.entry("string", "\"\\\"\" char* \"\\\"\""),
            Map.entry("boolean", "\"true\" | \"false\""),
            Map.entry("null", "\"null\""),
            Map.entry("value", "object | array | string | number | boolean | null"),
            Map.entry("object", "\"{\" ws (string ws \":\" ws value ws (\",\" ws string ws \":\" ws value ws)*)? \"}\""),
            Map.entry("array", "\"[\" ws (value ws (\",\" ws value ws)*)? \"]\""),
            Map.entry("date", "[0-9]{4} \"-\" (month31 \"-\" (day30 | \"31\") | month30 \"-\" day30 | \"02-\" day28)"),
            Map.entry("month31", "\"0\" [13578] | \"1\" [02]"),
            Map.entry("month30", "\"0\" [469] | \"11\""),
            Map.entry("day28", "\"0\" [1-9] | \"1\" [0-9] | \"2\" [0-8]"),
            Map.entry("day30", "day28 | \"29\" | \"30\""),
            Map.entry("time", "([01] [0-9] | \"2\" [0-3]) \":\" [0-5] [0-9] \":\" [0-5] [0-9] "
                    + "(\"Z\" | [-+] (\"0\" [0-9] | \"1\" [0-3]) \":\" [0-5] [0-9])"));

    private static final Map<String, String> FORMATS = Map.of(
            "date", "date", "time", "time", "date-time", "date \"T\" time",
            "uuid", "hex{8} \"-\" hex{4} \"-\" hex{4} \"-\" hex{4} \"-\" hex{12}");

    private final Object root;
    private final Map<String, String> rules = new TreeMap<>();
    /** The names of rules of places that are referred to, which may refer to one another. */
    private final Map<String, String> references = new HashMap<>();
    private int count;

    private JsonSchema(Object root) {
        this.root = root;
    }

    /** @throws GrammarException if it cannot be */
    static String toGbnf(String text) {
        JsonSchema schema = new JsonSchema(Json.parse(text));
        schema.rules.putAll(COMMON);
        schema.rules.put("root", schema.of(schema.root, "#"));
        return schema.rules.entrySet().stream().map(rule -> rule.getKey() + " ::= " + rule.getValue() + "\n")
                .collect(Collectors.joining());
    }

    /** The expression for the texts of a schema. */
    private String of(Object schema, String place) {
        if (Boolean.TRUE.equals(schema)) {
            return "value";
        }
        if (!(schema instanceof Map<?, ?> map)) {
            throw new GrammarException("the JSON schema has " + (schema instanceof Boolean ? "false, which nothing fulfils,"
                    : "no schema") + " at " + place);
        }
        Keywords keywords = new Keywords(map, place);
        if (map.containsKey("$ref")) {
            keywords.allow("$ref");
            return reference(keywords.text("$ref"), place);
        }
        for (String any : List.of("anyOf", "oneOf")) {
            if (map.containsKey(any)) {
                keywords.allow(any);
                List<?> choices = keywords.list(any);
                List<String> texts = new ArrayList<>();
                for (int i = 0; i < choices.size(); i++) {
                    texts.add(of(choices.get(i), place + "/" + any + "/" + i));
                }
                return choice(texts, place + "/" + any);
            }
        }
        for (String values : List.of("const", "enum")) {
            if (map.containsKey(values)) {
                keywords.allow(values, "type");
                List<?> choices = values.equals("enum") ? keywords.list(values) : Collections.singletonList(map.get(values));
                Collection<String> types = keywords.types(Set.of(values));
                return choice(choices.stream().filter(value -> types.stream().anyMatch(type -> isOf(type, value)))
                        .map(value -> quoted(Json.write(value))).toList(), place + "/" + values);
            }
        }
        return choice(keywords.types(Set.of()).stream().map(type -> ofType(type, keywords, place)).toList(), place + "/type");
    }

    private static boolean isOf(String type, Object value) {
        return type.equals(switch (value) {
            case Map<?, ?> _ -> "object";
            case List<?> _ -> "array";
            case String _ -> "string";
            case Boolean _ -> "boolean";
            case BigDecimal number -> type.equals("integer") && number.stripTrailingZeros().scale() <= 0 ? "integer" : "number";
            case null, default -> "null";
        });
    }

    private static String choice(Collection<String> texts, String place) {
        if (texts.isEmpty()) {
            throw new GrammarException("the JSON schema allows nothing at " + place);
        }
        return texts.size() == 1 ? texts.iterator().next() : "(" + String.join(" | ", texts) + ")";
    }

    private String reference(String target, String place) {
        String known = references.get(target);
        if (known != null) {
            return known;
        }
        Object schema = root;
        if (!target.equals("#") && !target.startsWith("#/")) {
            throw new GrammarException("the JSON schema refers to " + target + " at " + place
                    + "; only places in the same schema are possible, e.g. #/$defs/name");
        }
        for (String part : target.equals("#") ? new String[0] : target.substring(2).split("/")) {
            String key = part.replace("~1", "/").replace("~0", "~");
            schema = schema instanceof Map<?, ?> map ? map.get(key)
                    : schema instanceof List<?> list && key.matches("\\d{1,6}") && Integer.parseInt(key) < list.size()
                    ? list.get(Integer.parseInt(key)) : null;
        }
        if (schema == null) {
            throw new GrammarException("the JSON schema refers to " + target + " at " + place + ", which is not there");
        }
        String name = newName();
        references.put(target, name);
        rules.put(name, of(schema, target));
        return name;
    }

    private String newName() {
        return "r" + ++count;
    }

    /** Gives an expression a name, so that what uses it stays short. */
    private String named(String expression) {
        String name = newName();
        rules.put(name, expression);
        return name;
    }

    private String ofType(String type, Keywords keywords, String place) {
        return switch (type) {
            case "string" -> ofString(keywords, place);
            case "integer" -> ofInteger(keywords, place);
            case "array" -> ofArray(keywords, place);
            case "object" -> ofObject(keywords, place);
            default -> type;
        };
    }

    private static String ofString(Keywords keywords, String place) {
        int least = keywords.number("minLength", 0);
        int most = keywords.number("maxLength", -1);
        if (keywords.has("format")) {
            String format = FORMATS.get(keywords.text("format"));
            if (format == null || least > 0 || most >= 0) {
                throw new GrammarException("the JSON schema asks for the format \"" + keywords.text("format") + "\" at " + place
                        + "; possible are " + String.join(", ", FORMATS.keySet().stream().sorted().toList())
                        + ", without bounds of the length");
            }
            return "\"\\\"\" " + format + " \"\\\"\"";
        }
        return "\"\\\"\" char" + times(least, most, place) + " \"\\\"\"";
    }

    private static String times(int least, int most, String place) {
        if (most >= 0 && most < least) {
            throw new GrammarException("the JSON schema wants at least " + least + " and at most " + most + " at " + place);
        }
        return "{" + least + "," + (most < 0 ? "" : most) + "}";
    }

    private static String ofInteger(Keywords keywords, String place) {
        if (!keywords.has("minimum") && !keywords.has("maximum")) {
            return "integer";
        }
        if (keywords.get("minimum") instanceof BigDecimal low && keywords.get("maximum") instanceof BigDecimal high
                && low.abs().max(high.abs()).compareTo(BigDecimal.valueOf(Long.MAX_VALUE / 2)) < 0) {
            long first = low.setScale(0, RoundingMode.CEILING).longValueExact();
            long last = high.setScale(0, RoundingMode.FLOOR).longValueExact();
            if (last - first < MOST_INTEGERS) {
                List<String> values = new ArrayList<>();
                for (long value = first; value <= last; value++) {
                    values.add("\"" + value + "\"");
                }
                return choice(values, place);
            }
        }
        throw new GrammarException("the JSON schema bounds an integer at " + place
                + "; that needs minimum and maximum, with at most " + MOST_INTEGERS + " values between them");
    }

    private String ofArray(Keywords keywords, String place) {
        List<?> first = keywords.has("prefixItems") ? keywords.list("prefixItems") : List.of();
        int least = keywords.number("minItems", 0);
        int most = keywords.number("maxItems", -1);
        boolean closed = Boolean.FALSE.equals(keywords.get("items"));
        if (closed || !keywords.has("items") && !first.isEmpty()) {
            // what is not named is left out, which is allowed
            most = most < 0 ? first.size() : Math.min(most, first.size());
        }
        times(least, most, place);
        String others = most >= 0 && most <= first.size() ? ""
                : named(of(keywords.getOr("items", true), place + "/items"));
        if (first.isEmpty()) {
            return others.isEmpty() ? "\"[\" ws \"]\"" : bracketed(others, least, most);
        }
        // from the last to the first: each item, and what may follow it
        String rest = others.isEmpty() ? "" : "(\",\" ws " + others + " ws)"
                + times(Math.max(0, least - first.size()), most < 0 ? -1 : most - first.size(), place);
        for (int i = Math.min(first.size(), most < 0 ? first.size() : most) - 1; i >= 0; i--) {
            String item = (i == 0 ? "" : "\",\" ws ") + of(first.get(i), place + "/prefixItems/" + i) + " ws " + rest;
            rest = named(i >= least ? "(" + item + ")?" : item);
        }
        return "\"[\" ws " + rest + " \"]\"";
    }

    private static String bracketed(String item, int least, int most) {
        String more = "(\",\" ws " + item + " ws){" + Math.max(0, least - 1) + ","
                + (most < 0 ? "" : Math.max(0, most - 1)) + "}";
        String items = item + " ws " + more;
        return "\"[\" ws " + (least == 0 ? "(" + items + ")?" : items) + " \"]\"";
    }

    private String ofObject(Keywords keywords, String place) {
        Map<?, ?> properties = keywords.has("properties") ? keywords.map("properties") : Map.of();
        List<?> required = keywords.has("required") ? keywords.list("required") : List.of();
        for (Object name : required) {
            if (!properties.containsKey(name)) {
                throw new GrammarException("the JSON schema requires the property \"" + name + "\" at " + place
                        + " and does not describe it");
            }
        }
        if (properties.isEmpty()) {
            Object others = keywords.getOr("additionalProperties", true);
            if (Boolean.FALSE.equals(others)) {
                return "\"{\" ws \"}\"";
            }
            String pair = named("string ws \":\" ws " + of(others, place + "/additionalProperties"));
            return "\"{\" ws (" + pair + " ws (\",\" ws " + pair + " ws)*)? \"}\"";
        }
        List<String> pairs = new ArrayList<>();
        List<Boolean> needed = new ArrayList<>();
        properties.forEach((name, schema) -> {
            pairs.add(named(quoted(Json.write(name)) + " ws \":\" ws " + of(schema, place + "/properties/" + name)));
            needed.add(required.contains(name));
        });
        // after[i]: the properties from i on when one has been written
        String[] after = new String[pairs.size() + 1];
        after[pairs.size()] = "\"\"";
        for (int i = pairs.size() - 1; i > 0; i--) {
            String pair = "\",\" ws " + pairs.get(i) + " ws";
            after[i] = named((needed.get(i) ? pair : "(" + pair + ")?") + " " + after[i + 1]);
        }
        List<String> beginnings = new ArrayList<>();
        boolean mayBeEmpty = true;
        for (int i = 0; i < pairs.size() && mayBeEmpty; i++) {
            beginnings.add(pairs.get(i) + " ws " + after[i + 1]);
            mayBeEmpty = !needed.get(i);
        }
        return "\"{\" ws (" + String.join(" | ", beginnings) + ")" + (mayBeEmpty ? "?" : "") + " \"}\"";
    }

    /** A text as a literal of the grammar. */
    private static String quoted(String text) {
        StringBuilder literal = new StringBuilder("\"");
        text.codePoints().forEach(c -> {
            switch (c) {
                case '"' -> literal.append("\\\"");
                case '\\' -> literal.append("\\\\");
                default -> literal.appendCodePoint(c);
            }
        });
        return literal.append('"').toString();
    }

    /** The keywords of one schema; those that are not understood are refused. */
    private record Keywords(Map<?, ?> map, String place) {

        boolean has(String key) {
            return map.containsKey(key);
        }

        Object get(String key) {
            return map.get(key);
        }

        Object getOr(String key, Object other) {
            return map.containsKey(key) ? map.get(key) : other;
        }

        /** Refuses all keywords that restrict something but these. */
        void allow(String... keys) {
            allow(Set.of(keys));
        }

        private void allow(Set<String> keys) {
            for (Object key : map.keySet()) {
                if (!keys.contains(key) && !NOTES.contains(key)) {
                    throw new GrammarException("the JSON schema has \"" + key + "\" at " + place
                            + ", which cannot be turned into a grammar there");
                }
            }
        }

        /** The types that a value may have, and a check that nothing but {@code alsoKnown} restricts values of these types. */
        List<String> types(Set<String> alsoKnown) {
            List<String> types = new ArrayList<>();
            if (!has("type")) {
                List<String> implied = TYPES.stream().filter(type -> KEYWORDS.getOrDefault(type, Set.of()).stream()
                        .anyMatch(this::has)).toList();
                types.addAll(implied.isEmpty() ? TYPES : implied);
            } else if (get("type") instanceof List<?> several) {
                several.forEach(type -> types.add(String.valueOf(type)));
            } else {
                types.add(text("type"));
            }
            Set<String> known = new HashSet<>(alsoKnown);
            known.add("type");
            for (String type : types) {
                if (!TYPES.contains(type)) {
                    throw new GrammarException("the JSON schema has the type \"" + type + "\" at " + place + "; there are "
                            + String.join(", ", TYPES));
                }
                known.addAll(KEYWORDS.getOrDefault(type, Set.of()));
            }
            // what restricts other types only has no effect
            for (String other : TYPES) {
                if (!types.contains(other) && !(other.equals("number") && types.contains("integer"))
                        && !(other.equals("integer") && types.contains("number"))) {
                    known.addAll(KEYWORDS.getOrDefault(other, Set.of()));
                    known.addAll(UNKNOWN.getOrDefault(other, Set.of()));
                }
            }
            if (types.contains("number")) {
                known.removeAll(UNKNOWN.get("number"));
                types.remove("integer");
            }
            allow(known);
            return types;
        }

        String text(String key) {
            return get(key) instanceof String text ? text : wrong(key, "a string");
        }

        List<?> list(String key) {
            return get(key) instanceof List<?> list ? list : wrong(key, "an array");
        }

        Map<?, ?> map(String key) {
            return get(key) instanceof Map<?, ?> found ? found : wrong(key, "an object");
        }

        int number(String key, int other) {
            if (!has(key)) {
                return other;
            }
            if (get(key) instanceof BigDecimal number && number.signum() >= 0 && number.compareTo(BigDecimal.valueOf(1999)) <= 0
                    && number.stripTrailingZeros().scale() <= 0) {
                return number.intValue();
            }
            return wrong(key, "a whole number from 0 to 1999");
        }

        private <T> T wrong(String key, String wanted) {
            throw new GrammarException("the JSON schema has \"" + key + "\" at " + place + ", which must be " + wanted);
        }
    }

    /** JSON as maps, lists, strings, {@link BigDecimal}s, booleans and null. */
    private static final class Json {

        private static final JsonFactory FACTORY =
                JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

        private Json() {
        }

        static Object parse(String text) {
            try (JsonParser parser = FACTORY.createParser(text)) {
                parser.nextToken();
                Object value = value(parser);
                if (parser.nextToken() != null) {
                    throw new GrammarException("the JSON schema goes on after its end");
                }
                return value;
            } catch (JsonProcessingException e) {
                throw new GrammarException("the JSON schema is no JSON: " + e.getOriginalMessage()
                        + (e.getLocation() == null ? "" : " at line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr()), e);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static Object value(JsonParser parser) throws IOException {
            JsonToken token = parser.currentToken();
            if (token == null) {
                throw new GrammarException("the JSON schema is empty");
            }
            return switch (token) {
                case START_OBJECT -> {
                    Map<String, Object> map = new LinkedHashMap<>();
                    while (parser.nextToken() != JsonToken.END_OBJECT) {
                        String key = parser.currentName();
                        parser.nextToken();
                        map.put(key, value(parser));
                    }
                    yield map;
                }
                case START_ARRAY -> {
                    List<Object> list = new ArrayList<>();
                    while (parser.nextToken() != JsonToken.END_ARRAY) {
                        list.add(value(parser));
                    }
                    yield list;
                }
                case VALUE_STRING -> parser.getText();
                case VALUE_NUMBER_INT -> new BigDecimal(new BigInteger(parser.getText()));
                case VALUE_NUMBER_FLOAT -> new BigDecimal(parser.getText());
                case VALUE_TRUE -> true;
                case VALUE_FALSE -> false;
                default -> null;
            };
        }

        /** A value as the shortest JSON text. */
        static String write(Object value) {
            return switch (value) {
                case Map<?, ?> map -> map.entrySet().stream().map(entry -> write(entry.getKey()) + ":" + write(entry.getValue()))
                        .collect(Collectors.joining(",", "{", "}"));
                case List<?> list -> list.stream().map(Json::write).collect(Collectors.joining(",", "[", "]"));
                case String text -> "\"" + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + "\"";
                case BigDecimal number -> number.toString();
                case null -> "null";
                default -> value.toString();
            };
        }
    }
}
