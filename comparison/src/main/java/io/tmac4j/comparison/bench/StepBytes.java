package io.tmac4j.comparison.bench;

import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.GgufTensor;

/** Bytes of a model file's weights that a step of generation reads. */
final class StepBytes {

    private static final String EMBEDDING = "token_embd.weight";
    private static final String OUTPUT = "output.weight";

    private StepBytes() {
    }

    /**
     * The bytes of all tensors, in the file's own form. Of an embedding that is not the output too a step reads a row, which
     * counts as nothing; of experts it reads those that are used for one token.
     */
    static long of(GgufFile file) {
        boolean tied = file.tensors().stream().noneMatch(tensor -> tensor.name().equals(OUTPUT));
        double used = usedExperts(file);
        double bytes = 0;
        for (GgufTensor tensor : file.tensors()) {
            if (tied || !tensor.name().equals(EMBEDDING)) {
                bytes += tensor.byteSize() * (tensor.name().contains("_exps.") ? used : 1);
            }
        }
        return Math.round(bytes);
    }

    /** Part of the experts that one token uses. */
    private static double usedExperts(GgufFile file) {
        long all = file.integer(file.architecture() + ".expert_count").orElse(0L);
        long used = file.integer(file.architecture() + ".expert_used_count").orElse(all);
        return all == 0 ? 1 : (double) used / all;
    }
}
