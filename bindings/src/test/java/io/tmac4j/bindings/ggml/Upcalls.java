package io.tmac4j.bindings.ggml;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The methods of a compiled class that native code calls: those that a lambda expression or a method reference makes one of
 * jextract's function types of. Nothing may leave them, so each either catches everything or does nothing that can throw.
 */
final class Upcalls {

    private static final String GENERATED = "Lio/tmac4j/bindings/generated/";
    private static final ClassDesc FAULTS = Faults.class.describeConstable().orElseThrow();
    private static final MethodTypeDesc REACH = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_String);

    private final Class<?> type;
    private final ClassModel model;
    private final Map<String, MethodModel> methods = new TreeMap<>();
    private final Set<String> guarded = new TreeSet<>();
    private final Set<String> unguarded = new TreeSet<>();
    private final List<String> points = new ArrayList<>();

    /**
     * Reads a class.
     *
     * @param furtherTargets methods that native code calls by stubs that are made by hand
     */
    Upcalls(Class<?> type, String... furtherTargets) {
        this.type = type;
        model = ClassFile.of().parse(bytes(type));
        model.methods().forEach(method -> methods.put(method.methodName().stringValue(), method));
        Set<String> targets = new TreeSet<>(Set.of(furtherTargets));
        model.methods().forEach(method -> method.code().ifPresent(code -> collectTargets(code, targets)));
        targets.forEach(this::sort);
    }

    private static byte[] bytes(Class<?> type) {
        try (InputStream in = type.getResourceAsStream(type.getSimpleName() + ".class")) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void collectTargets(CodeModel code, Set<String> targets) {
        for (CodeElement element : code) {
            if (element instanceof InvokeDynamicInstruction lambda
                    && lambda.typeSymbol().returnType().descriptorString().startsWith(GENERATED)) {
                for (ConstantDesc argument : lambda.bootstrapArgs()) {
                    if (argument instanceof DirectMethodHandleDesc target) {
                        targets.add(target.methodName());
                    }
                }
            }
        }
    }

    /** A lambda expression that only calls another method of the class is looked behind. */
    private void sort(String target) {
        CodeModel code = methods.get(target).code().orElseThrow();
        if (guard(code) != null) {
            guarded.add(target);
            return;
        }
        for (CodeElement element : code) {
            switch (element) {
                case InvokeInstruction call when call.owner().equals(model.thisClass()) -> sort(call.name().stringValue());
                case InvokeInstruction _, InvokeDynamicInstruction _, NewObjectInstruction _ -> unguarded.add(target);
                default -> { }
            }
        }
    }

    /** The part that catches everything, or null. */
    private static ExceptionCatch guard(CodeModel code) {
        return code.exceptionHandlers().stream()
                .filter(handler -> handler.catchType().filter(type -> type.asInternalName().equals("java/lang/Throwable"))
                        .isPresent())
                .findFirst().orElse(null);
    }

    /** Methods that catch everything. */
    Set<String> guarded() {
        return guarded;
    }

    /** Where {@link #withFaults} has put faults. */
    List<String> points() {
        return points;
    }

    /** Methods that call or make something outside of a part that catches everything. */
    Set<String> unguarded() {
        return unguarded;
    }

    /** The class file's path below its root. */
    String path() {
        return model.thisClass().asInternalName() + ".class";
    }

    /** The class, with a call of {@link Faults#reach} before each call that a guarded method makes in its guarded part. */
    byte[] withFaults() {
        return ClassFile.of().transformClass(model, (builder, element) -> {
            if (element instanceof MethodModel method && guarded.contains(method.methodName().stringValue())) {
                builder.transformMethod(method, MethodTransform.transformingCode(faults(method)));
            } else {
                builder.with(element);
            }
        });
    }

    private CodeTransform faults(MethodModel method) {
        ExceptionCatch guard = guard(method.code().orElseThrow());
        boolean[] inside = new boolean[1];
        int[] count = new int[1];
        return (code, instruction) -> {
            if (inside[0] && instruction instanceof InvokeInstruction call) {
                String point = type.getSimpleName() + "." + method.methodName().stringValue() + " " + ++count[0] + " ("
                        + call.name().stringValue() + ")";
                points.add(point);
                code.loadConstant(point).invokestatic(FAULTS, "reach", REACH);
            }
            code.with(instruction);
            if (instruction instanceof LabelTarget target) {
                inside[0] = target.label() != guard.tryEnd() && (inside[0] || target.label() == guard.tryStart());
            }
        };
    }
}
