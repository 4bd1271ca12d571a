package io.tmac4j.bindings.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HugePagesTest {

    @ParameterizedTest
    @CsvSource({"Linux, , true", "Linux, true, true", "Linux, false, false", "Mac OS X, , false", "Windows 11, , false",
        "Windows Server 2025, true, false"})
    void theyAreAskedForOnLinuxUnlessToldOtherwise(String system, String property, boolean expected) {
        assertThat(HugePages.isAskedFor(system, property)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 64, 4096, HugePages.SIZE - 1, HugePages.SIZE, HugePages.SIZE + 1, 5 * HugePages.SIZE + 17})
    void memoryIsOfZerosAlignedAndWritableToItsEnds(long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = HugePages.allocate(arena, bytes, 4096);
            assertThat(memory.byteSize()).isEqualTo(bytes);
            assertThat(memory.address() % 4096).isZero();
            assertThat(memory.mismatch(arena.allocate(bytes))).isEqualTo(-1);
            memory.fill((byte) 7);
            assertThat(memory.get(ValueLayout.JAVA_BYTE, bytes - 1)).isEqualTo((byte) 7);
        }
    }

    @Test
    void memoryIsGoneWithItsArena() {
        MemorySegment memory;
        try (Arena arena = Arena.ofShared()) {
            memory = HugePages.allocate(arena, 3 * HugePages.SIZE, 64);
        }
        assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void moreThanThereIsFails() {
        try (Arena arena = Arena.ofConfined()) {
            assertThatThrownBy(() -> HugePages.allocate(arena, 1L << 55, 64)).isInstanceOf(OutOfMemoryError.class);
        }
    }
}
