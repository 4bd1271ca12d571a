package io.tmac4j.kernels.ablation;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.kernels.Memory;
import java.util.Arrays;
import java.util.Optional;

/**
 * Types as bit planes. A block of each holds a f16 scale and 16 bytes of codes, so it has {@link #LOOKUPS} indices of four bits a
 * row: those of the highest plane first, then of the next. Bit {@code j} of index {@code g} of a plane belongs to weight
 * {@code order[4 * g + j]} of the block.
 */
enum PlaneForm {

    /** 128 weights of -1 or +1. */
    Q1_0(GgmlType.Q1_0, 1, 2, -1),

    /** 64 weights of -1 to 2. */
    Q2_0(GgmlType.Q2_0, 2, 1, -1),

    /** 32 weights of -8 to 7; byte {@code i} of a block holds weights {@code i} and {@code i + 16}. */
    Q4_0(GgmlType.Q4_0, 4, 1, -8);

    /** Lookups a row and block. */
    static final int LOOKUPS = 32;

    /** Bytes of the indices of a row and block. */
    static final int CODE_BYTES = LOOKUPS / 2;

    /** Weights a table. */
    static final int GROUP = 4;

    private static final long EVERY_SECOND = 0x5555555555555555L;
    private static final long EVERY_FOURTH = 0x1111111111111111L;

    private final GgmlType type;
    private final int planes;
    private final int groups;
    private final float scale;
    private final float offset;
    private final int[] order;

    PlaneForm(GgmlType type, int planes, float scale, float offset) {
        this.type = type;
        this.planes = planes;
        this.groups = LOOKUPS / planes;
        this.scale = scale;
        this.offset = offset;
        this.order = new int[GROUP * groups];
        Arrays.setAll(order, j -> planes == 4 ? 16 * (j % 2) + 8 * (j / 16) + j % 16 / 2 : j);
    }

    /** The form of a type, or empty if there is none. */
    static Optional<PlaneForm> of(GgmlType type) {
        return Arrays.stream(values()).filter(form -> form.type == type).findFirst();
    }

    /** Bits a weight. */
    int planes() {
        return planes;
    }

    /** Tables a block: lookups of one plane. */
    int groups() {
        return groups;
    }

    /** Weights a block. */
    int blockWeights() {
        return GROUP * groups();
    }

    /** The sum of the planes' weights, 2^planes - 1. */
    int planesWeight() {
        return (1 << planes) - 1;
    }

    /** The integer weight of code {@code c} is {@code scale * c + }a constant. */
    float scale() {
        return scale;
    }

    /** The integer weight of the centre of the codes. */
    float centre() {
        return scale * planesWeight() / 2 + offset;
    }

    /** Where the weights of the tables stand in a block. */
    int[] order() {
        return order;
    }

    /** Writes the indices of the block at {@code address}, the first in the lowest bits, as two words. */
    void encode(long address, long[] words) {
        long first = Memory.i64(address + 2);
        long second = Memory.i64(address + 10);
        switch (this) {
            case Q1_0 -> {
                words[0] = first;
                words[1] = second;
            }
            case Q2_0 -> {
                words[0] = plane(first, second, EVERY_SECOND << 1, 32);
                words[1] = plane(first, second, EVERY_SECOND, 32);
            }
            default -> {
                words[0] = plane(first, second, EVERY_FOURTH << 3, 16) | plane(first, second, EVERY_FOURTH << 2, 16) << 32;
                words[1] = plane(first, second, EVERY_FOURTH << 1, 16) | plane(first, second, EVERY_FOURTH, 16) << 32;
            }
        }
    }

    private static long plane(long first, long second, long mask, int bits) {
        return Long.compress(first, mask) | Long.compress(second, mask) << bits;
    }
}
