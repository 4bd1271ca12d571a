package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.OffHeap;
import io.tmac4j.bindings.spi.WeightTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Tensors of random blocks: every bit pattern that a quantiser can write, with scales of sane size. */
final class RandomBlocks {

    private RandomBlocks() {
    }

    static WeightTensor tensor(BlockFormat format, int k, int rows, int experts, long seed, Arena arena) {
        GgmlType type = format.type();
        long bytes = type.rowBytes(k) * rows * experts;
        MemorySegment memory = arena.allocate(bytes, 64);
        Random random = new Random(seed);
        for (long at = 0; at < bytes; at += type.blockBytes()) {
            fillBlock(format, memory.asSlice(at, type.blockBytes()), random);
        }
        return new WeightTensor("test", type, k, rows, experts, memory.address());
    }

    /** Draws the codes of 32 four-bit weights a block anew from a few. */
    static void useOnly(int[] codes, WeightTensor tensor) {
        Random random = new Random(3);
        int blockBytes = tensor.type().blockBytes();
        MemorySegment blocks = OffHeap.ALL.asSlice(tensor.address(), tensor.byteSize());
        for (long at = 0; at < tensor.byteSize(); at += blockBytes) {
            for (int i = blockBytes - 16; i < blockBytes; i++) {
                int pair = codes[random.nextInt(codes.length)] | codes[random.nextInt(codes.length)] << 4;
                blocks.set(ValueLayout.JAVA_BYTE, at + i, (byte) pair);
            }
        }
    }

    /** Sets a scale or min of a block to an f16 number, or to about that power of two where it is a byte. */
    static void setHalf(BlockFormat format, MemorySegment block, int index, short bits) {
        if (isByte(format)) {
            float size = Math.abs(Float.float16ToFloat(bits));
            block.set(ValueLayout.JAVA_BYTE, format.halfOffset(index), (byte) (size == 0 ? 0 : Math.getExponent(size) + 127));
        } else {
            block.set(ValueLayout.JAVA_SHORT_UNALIGNED, format.halfOffset(index), bits);
        }
    }

    /** Whether byte {@code i} of a block belongs to an f16 number, or to the scale where that is a byte. */
    static boolean isHalf(BlockFormat format, int i) {
        for (int half = 0; half < format.halves(); half++) {
            int in = i - format.halfOffset(half);
            if (in == 0 || in == 1 && !isByte(format)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isByte(BlockFormat format) {
        return format.type() == GgmlType.MXFP4;
    }

    /** Whether a format of two bits is for ternary weights. */
    static boolean hasNoCodeThree(BlockFormat format) {
        return format.type() == GgmlType.TQ2_0
                || format.type() == GgmlType.Q2_0 && format.lookupForm().filter(LookupForm::ternary).isPresent();
    }

    private static void fillBlock(BlockFormat format, MemorySegment block, Random random) {
        byte[] bytes = new byte[(int) block.byteSize()];
        random.nextBytes(bytes);
        if (hasNoCodeThree(format)) {
            for (int i = 0; i < bytes.length; i++) {
                // code 3 does not occur: turn it into 1
                bytes[i] = (byte) (bytes[i] & ~((bytes[i] & bytes[i] >> 1 & 0x55) << 1));
            }
        }
        if (format.type() == GgmlType.TQ1_0) {
            for (int i = 0; i < 52; i++) {
                int value = random.nextInt(i < 48 ? 243 : 81) * (i < 48 ? 1 : 3);
                bytes[i] = (byte) ((value * 256 + 242) / 243);
            }
        }
        MemorySegment.copy(bytes, 0, block, ValueLayout.JAVA_BYTE, 0, bytes.length);
        for (int h = 0; h < format.halves(); h++) {
            float scale = (0.5f + random.nextFloat()) * 0.01f;
            GgmlType type = format.type();
            boolean signed = type == GgmlType.Q4_0 || type == GgmlType.Q3_K || type == GgmlType.IQ4_NL || type == GgmlType.IQ4_XS
                    || type == GgmlType.Q4_1 && h == 1;
            float value = signed && random.nextBoolean() ? -scale : scale;
            setHalf(format, block, h, Float.floatToFloat16(value));
        }
    }
}
