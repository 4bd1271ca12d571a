package io.tmac4j.comparison;

import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** The walls between the modules, read out of the class files that these tests run with. */
class ArchitectureTest {

    private static final String BINDINGS = "io.tmac4j.bindings";
    private static final String KERNELS = "io.tmac4j.kernels";
    private static final String COMPARISON = "io.tmac4j.comparison";

    private static final String GENERATED = "io/tmac4j/bindings/generated/";

    @Test
    void onlyTheKernelsUseTheVectorApi() {
        assertThat(classesNaming("jdk/incubator/vector/", BINDINGS, COMPARISON)).isEmpty();
    }

    @Test
    void onlyTheBindingsUseTheGeneratedCode() {
        assertThat(classesNaming(GENERATED, KERNELS, COMPARISON)).isEmpty();
        assertThat(exportedPackages(BINDINGS)).doesNotContain("io.tmac4j.bindings.generated", "io.tmac4j.bindings.ggml");
    }

    @Test
    void theComparisonLeavesNativeMemoryToTheEngines() {
        assertThat(classesNaming("java/lang/foreign/", COMPARISON)).isEmpty();
    }

    @Test
    void theKernelsCallNoNativeFunctions() {
        assertThat(classesNaming("java/lang/foreign/Linker", KERNELS)).isEmpty();
        assertThat(classesNaming("java/lang/foreign/SymbolLookup", KERNELS)).isEmpty();
    }

    @Test
    void dependenciesPointOneWay() {
        assertThat(classesNaming("io/tmac4j/kernels", BINDINGS)).isEmpty();
        assertThat(classesNaming("io.tmac4j.kernels.", BINDINGS)).isEmpty();
        assertThat(classesNaming("io/tmac4j/comparison", BINDINGS, KERNELS)).isEmpty();
    }

    @Test
    void onlyTheCommandLineWritesToTheStandardStreams() {
        Predicate<ClassModel> writes = model -> entries(model)
                .anyMatch(entry -> entry instanceof MemberRefEntry member
                        && member.owner().asInternalName().equals("java/lang/System")
                        && Set.of("out", "err").contains(member.name().stringValue()));
        // jextract's own tracing, off unless its system property is set
        assertThat(classes(writes, BINDINGS, KERNELS)).allMatch(name -> name.startsWith(GENERATED));
    }

    @Test
    void everyModuleIsNamedAndExportsOnlyFacades() {
        assertThat(exportedPackages(BINDINGS)).containsExactly("io.tmac4j.bindings", "io.tmac4j.bindings.spi");
        assertThat(exportedPackages(COMPARISON)).isEmpty();
    }

    private static Set<String> classesNaming(String prefix, String... modules) {
        return classes(model -> entries(model)
                .anyMatch(entry -> entry instanceof Utf8Entry text && text.stringValue().contains(prefix)), modules);
    }

    private static Stream<?> entries(ClassModel model) {
        return StreamSupport.stream(model.constantPool().spliterator(), false);
    }

    private static Set<String> classes(Predicate<ClassModel> condition, String... modules) {
        Set<String> names = new TreeSet<>();
        for (String module : modules) {
            for (ClassModel model : classesOf(module)) {
                if (condition.test(model)) {
                    names.add(model.thisClass().asInternalName());
                }
            }
        }
        return names;
    }

    /** All classes of a module but its descriptor. */
    private static List<ClassModel> classesOf(String module) {
        List<ClassModel> models = new ArrayList<>();
        try (ModuleReader reader = module(module).open(); Stream<String> resources = reader.list()) {
            for (String resource : resources.toList()) {
                if (resource.endsWith(".class") && !resource.equals("module-info.class")) {
                    try (var stream = reader.open(resource).orElseThrow()) {
                        models.add(ClassFile.of().parse(stream.readAllBytes()));
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertThat(models).as("classes of %s", module).isNotEmpty();
        return models;
    }

    private static Set<String> exportedPackages(String module) {
        return module(module).descriptor().exports().stream()
                .filter(exports -> !exports.isQualified())
                .map(ModuleDescriptor.Exports::source)
                .collect(toCollection(TreeSet::new));
    }

    /** The module as it was built: the one that runs is patched with these tests. */
    private static ModuleReference module(String name) {
        ModuleReference running = ModuleLayer.boot().configuration().findModule(name).orElseThrow().reference();
        return ModuleFinder.of(Path.of(running.location().orElseThrow())).find(name).orElseThrow();
    }
}
