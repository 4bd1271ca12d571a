package io.tmac4j.comparison.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.comparison.Failure;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class GgufWriterTest {

    @TempDir
    private Path folder;

    @Test
    void theFileHoldsHeaderInfosAndAlignedData() throws IOException {
        Path file = folder.resolve("a.gguf");
        GgufWriter writer = new GgufWriter()
                .put("k", "vä")
                .tensor("odd", GgmlType.F16, (chunk, into, length) -> into[0] = 7, 3)
                .tensor("next", GgmlType.Q8_0, (chunk, into, length) -> into[33] = 9, 32, 1);
        writer.write(file, GgufWriter.Progress.NONE);

        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(bytes.remaining()).isEqualTo((int) writer.fileBytes());
        assertThat(bytes.getInt()).isEqualTo(0x46554747);
        assertThat(bytes.getInt()).isEqualTo(3);
        assertThat(bytes.getLong()).as("tensors").isEqualTo(2);
        assertThat(bytes.getLong()).as("metadata values").isEqualTo(1);
        assertThat(string(bytes)).isEqualTo("k");
        assertThat(bytes.getInt()).as("type string").isEqualTo(8);
        assertThat(string(bytes)).isEqualTo("vä");
        assertThat(string(bytes)).isEqualTo("odd");
        assertThat(List.of(bytes.getInt(), bytes.getLong(), bytes.getInt(), bytes.getLong())).isEqualTo(List.of(1, 3L, 1, 0L));
        assertThat(string(bytes)).isEqualTo("next");
        assertThat(List.of(bytes.getInt(), bytes.getLong(), bytes.getLong(), bytes.getInt(), bytes.getLong()))
                .isEqualTo(List.of(2, 32L, 1L, 8, 32L));
        int data = (bytes.position() + 31) / 32 * 32;
        assertThat(bytes.get(data)).isEqualTo((byte) 7);
        assertThat(bytes.get(data + 32 + 33)).isEqualTo((byte) 9);
        assertThat(bytes.limit()).as("the last tensor is padded too").isEqualTo(data + 32 + 64);
    }

    @Test
    void chunksOfLargeTensorsLandWhereTheyBelong() throws IOException {
        Path file = folder.resolve("a.gguf");
        AtomicLong reported = new AtomicLong();
        GgufWriter writer = new GgufWriter().tensor("large", GgmlType.F32, (chunk, into, length) -> {
            ByteBuffer values = ByteBuffer.wrap(into).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < length; i += 4) {
                values.putInt(i, (int) (chunk * (1 << 18) + i / 4));
            }
        }, 1000, 1500);
        writer.write(file, (done, total) -> reported.accumulateAndGet(done, Math::max));

        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int data = bytes.limit() - 6_000_000;
        for (int i = 0; i < 1_500_000; i++) {
            assertThat(bytes.getInt(data + 4 * i)).isEqualTo(i);
        }
        assertThat(reported).hasValue(6_000_000);
    }

    @Test
    void contentThatFailsLeavesNothingBehind() {
        GgufWriter writer = new GgufWriter().tensor("t", GgmlType.F32, (chunk, into, length) -> {
            if (chunk == 3) {
                throw new IllegalStateException("no more");
            }
        }, 4_000_000);
        assertThatThrownBy(() -> writer.write(folder.resolve("a.gguf"), GgufWriter.Progress.NONE)).hasMessage("no more");
        assertThat(files()).isEmpty();
    }

    @Test
    void interruptionLeavesNothingBehind() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        GgufWriter writer = new GgufWriter().tensor("t", GgmlType.F32, (chunk, into, length) -> begun.countDown(), 1L << 32);
        AtomicReference<Throwable> end = new AtomicReference<>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                writer.write(folder.resolve("a.gguf"), GgufWriter.Progress.NONE);
            } catch (IOException | RuntimeException e) {
                end.set(e);
            }
        });
        begun.await();
        thread.interrupt();
        thread.join();
        assertThat(end.get()).isInstanceOf(InterruptedIOException.class).hasMessageContaining("interrupted");
        assertThat(files()).isEmpty();
    }

    @Test
    void aFileThatIsReplacedStaysWholeUntilTheNewOneIs() throws IOException {
        Path file = Files.writeString(folder.resolve("a.gguf"), "old");
        GgufWriter failing = new GgufWriter().tensor("t", GgmlType.F32, (chunk, into, length) -> {
            throw new IllegalStateException("no");
        }, 8);
        assertThatThrownBy(() -> failing.write(file, GgufWriter.Progress.NONE)).hasMessage("no");
        assertThat(file).hasContent("old");
        new GgufWriter().tensor("t", GgmlType.F32, (chunk, into, length) -> { }, 8).write(file, GgufWriter.Progress.NONE);
        assertThat(Files.readAllBytes(file)).startsWith('G', 'G', 'U', 'F');
        assertThat(files()).containsExactly(file);
    }

    @Test
    void tooLittleSpaceIsSaidBeforeAnythingIsWritten() {
        assertThatThrownBy(() -> GgufWriter.requireSpace(Path.of("a.gguf"), 5_000_000_000L, 1_000_000_000L))
                .isInstanceOf(Failure.class)
                .hasMessage("cannot write a.gguf: it needs 5,000,000,000 bytes (5.0 GB) but only 1,000,000,000 bytes (1.0 GB) "
                        + "are free there; make room or name a file on another disk");
        GgufWriter petabyte = new GgufWriter().tensor("t", GgmlType.F32, (chunk, into, length) -> { }, 1L << 48);
        assertThatThrownBy(() -> petabyte.write(folder.resolve("a.gguf"), GgufWriter.Progress.NONE)).isInstanceOf(Failure.class)
                .hasMessageContaining("are free there");
        assertThat(files()).isEmpty();
    }

    @Test
    void placesThatCannotBeWrittenAreOneSentence() throws IOException {
        GgufWriter writer = new GgufWriter().tensor("t", GgmlType.F32, (chunk, into, length) -> { }, 8);
        assertThatThrownBy(() -> writer.write(folder, GgufWriter.Progress.NONE))
                .isInstanceOf(Failure.class).hasMessageContaining("it is a folder");
        assertThatThrownBy(() -> writer.write(folder.resolve("no").resolve("a.gguf"), GgufWriter.Progress.NONE))
                .isInstanceOf(Failure.class).hasMessageContaining("there is no folder " + folder.resolve("no"));
        assertThatThrownBy(() -> writer.write(folder.getRoot(), GgufWriter.Progress.NONE)).isInstanceOf(Failure.class);
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void devicesAreNotReplacedByFiles() {
        GgufWriter writer = new GgufWriter().tensor("t", GgmlType.F32, (chunk, into, length) -> { }, 8);
        assertThatThrownBy(() -> writer.write(Path.of("/dev/null"), GgufWriter.Progress.NONE))
                .isInstanceOf(Failure.class).hasMessage("cannot write /dev/null: it exists and is no regular file");
    }

    @Test
    void rowsThatAreNoWholeBlocksAndNamesGivenTwiceAreRefused() {
        GgufWriter writer = new GgufWriter();
        assertThatThrownBy(() -> writer.tensor("t", GgmlType.TQ2_0, (chunk, into, length) -> { }, 3200, 10))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("256");
        writer.tensor("t", GgmlType.F32, (chunk, into, length) -> { }, 8);
        assertThatThrownBy(() -> writer.tensor("t", GgmlType.F32, (chunk, into, length) -> { }, 8))
                .isInstanceOf(IllegalArgumentException.class).hasMessage("two tensors are named t");
    }

    private List<Path> files() {
        try (Stream<Path> list = Files.list(folder)) {
            return list.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String string(ByteBuffer bytes) {
        byte[] utf8 = new byte[(int) bytes.getLong()];
        bytes.get(utf8);
        return new String(utf8, StandardCharsets.UTF_8);
    }
}
