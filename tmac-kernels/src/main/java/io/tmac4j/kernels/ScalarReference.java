package io.tmac4j.kernels;

/**
 * What a product is, in plain Java: the specification that the kernels are tested against, and what computes when there are no
 * vectors.
 */
final class ScalarReference {

    private ScalarReference() {
    }

    /** Inner product of one row in ggml's layout with f32 activations, in double precision. */
    static double dot(BlockFormat format, long row, long activations, int k) {
        Block block = new Block();
        int size = format.form().blockWeights();
        double sum = 0;
        for (int at = 0; at < k; at += size) {
            format.read(row + format.type().rowBytes(at), block);
            for (int i = 0; i < size; i++) {
                sum += (double) block.weight(i, format.subWeights()) * Memory.f32(activations + 4L * (at + i));
            }
        }
        return sum;
    }

    /** Unpacks the weights of one row of a packed matrix into {@code weights[0 .. k)}. */
    static void unpackRow(PackedMatrix matrix, int expert, int row, float[] weights) {
        PackedLayout layout = matrix.layout();
        BlockFormat format = matrix.format();
        Block block = new Block();
        for (int b = 0; b < layout.blocks(); b++) {
            readPacked(matrix, expert, row, b, block);
            int at = b * layout.form().blockWeights();
            for (int i = 0; i < layout.form().blockWeights(); i++) {
                weights[at + i] = block.weight(i, format.subWeights());
            }
        }
    }

    /** Unpacks one block of one row of a packed matrix. */
    static void readPacked(PackedMatrix matrix, int expert, int row, int b, Block into) {
        PackedLayout layout = matrix.layout();
        TileForm form = layout.form();
        int tileRows = layout.tileRows();
        int rowInTile = row % tileRows;
        long base = matrix.address() + layout.tileOffset(expert, row / tileRows) + (long) b * layout.blockBytes();
        long codes = base + layout.laneOf(rowInTile);
        int group = form.groupWeights();
        int bits = 4 / group;
        for (int table = 0; table < form.tables(); table++) {
            int section = table / 2 / form.planeBytes();
            int inPlane = table / 2 % form.planeBytes();
            for (int j = 0; j < group; j++) {
                int code = 0;
                for (int plane = form.planes() - 1; plane >= 0; plane--) {
                    long at = codes + (long) form.codeByte(section, plane, inPlane) * tileRows;
                    int index = Memory.u8(at) >> 4 * (table % 2) & 15;
                    code = code << bits | index >> j * bits & (1 << bits) - 1;
                }
                into.codes[form.weightOrder()[table * group + j]] = form.weightOf(code);
            }
        }
        long halves = base + layout.halvesOffset() + layout.halfOffsetOf(rowInTile);
        into.plain(Memory.f16(halves));
        if (form.halves() == 2) {
            into.min = form.subBlocks() == 1 ? Memory.f16(halves + 2L * tileRows) : -Memory.f16(halves + 2L * tileRows);
            into.mins[0] = 1;
        }
        for (int i = 0; i < form.subBytes() && form.subBlocks() > 1; i++) {
            int value = Memory.u8(codes + (long) (form.codeBytes() + i) * tileRows);
            int sub = form.subBlock(i % form.subBlocks() / 2, i % 2);
            if (form.mins() == TileForm.Mins.OWN) {
                (i < form.subBlocks() ? into.scales : into.mins)[sub] = value;
            } else {
                boolean withMin = form.mins() == TileForm.Mins.NIBBLE;
                into.scales[sub] = withMin ? value & 15 : (byte) value;
                into.mins[sub] = withMin ? value >> 4 : 0;
            }
        }
    }
}
