package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class DependenciesTest {

    /** A line that {@code dependency:list} wrote. */
    private static final Pattern RESOLVED = Pattern.compile("^ +([^: ]+:[^: ]+):jar:([^: ]+):", Pattern.MULTILINE);

    private static final Pattern LISTED = Pattern.compile("^\\| `([^`]+)` \\| ([^ ]+) \\| [A-Z][^|]+ \\|$", Pattern.MULTILINE);

    private static List<String> all(Pattern pattern, Path file) throws IOException {
        return pattern.matcher(Files.readString(file)).results().map(DependenciesTest::withVersion).toList();
    }

    private static String withVersion(MatchResult match) {
        return match.group(1) + " " + match.group(2);
    }

    @Test
    void everyRunTimeDependencyIsListedWithItsVersionAndLicence() throws IOException {
        List<String> resolved = all(RESOLVED, Path.of("target", "dependencies.txt"));
        assertThat(resolved).hasSizeGreaterThan(5);
        assertThat(all(LISTED, Path.of("..", "docs", "dependencies.md"))).containsExactlyInAnyOrderElementsOf(resolved);
    }
}
