package io.tmac4j.comparison;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.FlashAttention;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LoraAdapter;
import io.tmac4j.comparison.bench.TestCase.PromptAndGeneration;
import io.tmac4j.comparison.environment.Device;
import io.tmac4j.comparison.environment.Priority;
import io.tmac4j.comparison.kernels.Shape;
import io.tmac4j.comparison.synth.SyntheticModel;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Converters of option values that several commands share; each says what it would have taken. */
final class Options {

    private Options() {
    }

    /** The name of an engine. */
    static final class EngineName implements ITypeConverter<Engine> {
        @Override
        public Engine convert(String text) {
            try {
                return Engine.of(text);
            } catch (IllegalArgumentException unknown) {
                throw new TypeConversionException(unknown.getMessage());
            }
        }
    }

    /** A type that random weights can be drawn in. */
    static final class DrawnType implements ITypeConverter<GgmlType> {
        @Override
        public GgmlType convert(String text) {
            return SyntheticModel.type(text).orElseThrow(() -> new TypeConversionException("\"" + text
                    + "\" is no type that weights can be drawn in; there are "
                    + SyntheticModel.types().stream().map(GgmlType::name).collect(Collectors.joining(", "))));
        }
    }

    /** The shape of a matrix, {@code 4096x11008}. */
    static final class MatrixShape implements ITypeConverter<Shape> {
        @Override
        public Shape convert(String text) {
            try {
                return Shape.parse(text);
            } catch (IllegalArgumentException mistake) {
                throw new TypeConversionException(mistake.getMessage());
            }
        }
    }

    /** A type in which llama.cpp can store keys and values, as in llama-bench. */
    static final class CacheType implements ITypeConverter<GgmlType> {
        @Override
        public GgmlType convert(String text) {
            List<GgmlType> types = ContextOptions.cacheTypes();
            return GgmlType.ofName(text).filter(types::contains).orElseThrow(() -> new TypeConversionException("\"" + text
                    + "\" is no type of the cache; there are "
                    + types.stream().map(GgmlType::ggmlName).collect(Collectors.joining(", "))));
        }
    }

    /** Flash attention by llama-bench's words and numbers. */
    static final class Attention implements ITypeConverter<FlashAttention> {
        @Override
        public FlashAttention convert(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "auto", "-1" -> FlashAttention.AUTO;
                case "on", "1", "true", "yes", "enabled" -> FlashAttention.ON;
                case "off", "0", "false", "no", "disabled" -> FlashAttention.OFF;
                default -> throw new TypeConversionException("\"" + text + "\" is none of on, off, auto");
            };
        }
    }

    /** A prompt and a generation, {@code 512,128}. */
    static final class Pair implements ITypeConverter<PromptAndGeneration> {
        @Override
        public PromptAndGeneration convert(String text) {
            if (!text.matches("\\d{1,8},\\d{1,8}")) {
                throw new TypeConversionException("\"" + text + "\" is no pair of numbers such as 512,128");
            }
            String[] numbers = text.split(",");
            return new PromptAndGeneration(Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1]));
        }
    }

    /** The name of a known machine. */
    static final class DeviceName implements ITypeConverter<Device> {
        @Override
        public Device convert(String text) {
            return Device.ofId(text).orElseThrow(() -> new TypeConversionException("there is no device \"" + text
                    + "\"; there are " + Arrays.stream(Device.values()).map(Device::id).collect(Collectors.joining(", "))));
        }
    }

    /** llama-bench's number of a priority. */
    static final class PriorityLevel implements ITypeConverter<Priority> {
        @Override
        public Priority convert(String text) {
            return Arrays.stream(Priority.values()).filter(priority -> Integer.toString(priority.level()).equals(text.trim()))
                    .findFirst().orElseThrow(() -> new TypeConversionException("\"" + text + "\" is no priority; there are "
                            + Arrays.stream(Priority.values()).map(Priority::level).map(String::valueOf)
                            .collect(Collectors.joining(", "))));
        }
    }

    /** A LoRA adapter, {@code FILE} or {@code FILE:SCALE}; a drive letter is no file. */
    static final class Adapter implements ITypeConverter<LoraAdapter> {

        private static final Pattern SCALED = Pattern.compile("(.{2,}):([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)");

        @Override
        public LoraAdapter convert(String text) {
            Matcher scaled = SCALED.matcher(text);
            try {
                return scaled.matches() ? new LoraAdapter(Path.of(scaled.group(1)), Float.parseFloat(scaled.group(2)))
                        : new LoraAdapter(Path.of(text), 1);
            } catch (NumberFormatException noNumber) {
                throw new TypeConversionException("\"" + scaled.group(2) + "\" is no scale of a LoRA adapter, such as 0.5");
            } catch (InvalidPathException noPath) {
                throw new TypeConversionException("\"" + text + "\" is no name of a file, or of a file and a scale"
                        + " such as adapter.gguf:0.5");
            } catch (IllegalArgumentException mistake) {
                throw new TypeConversionException(mistake.getMessage());
            }
        }
    }

    /** A number of something that there must be one of. */
    static final class AtLeastOne implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            return number(text, 1);
        }
    }

    /** A number of something that there may be none of. */
    static final class AtLeastZero implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            return number(text, 0);
        }
    }

    private static int number(String text, int least) {
        try {
            int number = Integer.parseInt(text.trim());
            if (number >= least) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            // The sentence below fits this case too.
        }
        throw new TypeConversionException("must be a whole number from " + least + " on, not " + text);
    }
}
