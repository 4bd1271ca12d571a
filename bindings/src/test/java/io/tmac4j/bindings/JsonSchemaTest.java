package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonSchemaTest {

    @ParameterizedTest
    @CsvSource(delimiter = '~', value = {
            "{\"type\": \"string\", \"pattern\": \"^a\"}~\"pattern\" at #",
            "{\"type\": \"number\", \"minimum\": 1}~\"minimum\" at #",
            "{\"type\": \"integer\", \"minimum\": 1}~bounds an integer at #",
            "{\"type\": \"object\", \"properties\": {\"a\": {\"not\": {}}}}~\"not\" at #/properties/a",
            "{\"allOf\": [{}]}~\"allOf\" at #",
            "{\"type\": \"array\", \"uniqueItems\": true}~\"uniqueItems\"",
            "{\"type\": \"array\", \"minItems\": 3, \"maxItems\": 2}~at least 3 and at most 2",
            "{\"type\": \"string\", \"maxLength\": -1}~from 0 to 1999",
            "{\"type\": \"string\", \"format\": \"email\"}~format \"email\"",
            "{\"type\": \"text\"}~the type \"text\"",
            "{\"type\": \"object\", \"required\": [\"a\"]}~requires the property \"a\"",
            "{\"$ref\": \"#/$defs/a\"}~not there",
            "{\"$ref\": \"https://example.com/a\"}~only places in the same schema",
            "{\"$ref\": \"#\"}~left-recursive",
            "{\"enum\": []}~allows nothing",
            "{\"enum\": [1], \"type\": \"string\"}~allows nothing",
            "false~nothing fulfils",
            "3~no schema",
            "{\"type\"~no JSON",
            "{} {}~after its end"})
    void whatCannotBecomeAGrammarIsRefusedWithItsPlace(String schema, String reason) {
        assertThatThrownBy(() -> Grammar.ofJsonSchema(schema)).isInstanceOf(GrammarException.class).hasMessageContaining(reason);
    }

    @Test
    void emptyTextIsNoSchema() {
        assertThatThrownBy(() -> Grammar.ofJsonSchema("")).isInstanceOf(GrammarException.class).hasMessageContaining("empty");
    }

    @Test
    void optionalPropertiesMayBeLeftOutAndRequiredOnesNot() {
        String gbnf = Grammar.ofJsonSchema("""
                {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}, "required": ["b"]}
                """).gbnf();
        assertThat(gbnf).contains("root ::= \"{\" ws (r1 ws r5 | r2 ws r4) \"}\"", "r1 ::= \"\\\"a\\\"\" ws \":\" ws \"1\"",
                "r4 ::= (\",\" ws r3 ws)? \"\"", "r5 ::= \",\" ws r2 ws r4");
    }

    @Test
    void aSchemaMayReferToItself() {
        String gbnf = Grammar.ofJsonSchema("""
                {"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "required": ["kids"],
                 "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}}}
                """).gbnf();
        assertThat(gbnf).contains("root ::= r1\n");
    }
}
