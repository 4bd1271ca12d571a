package io.tmac4j.comparison;

import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.synth.DemoModel;
import io.tmac4j.comparison.synth.SyntheticModel;
import java.io.IOException;
import java.nio.file.Path;

/** The models that commands use when none is named. */
final class DefaultModels {

    private DefaultModels() {
    }

    /** The demo model: small, trained, writes text. */
    static Path demo() throws IOException {
        return DemoModel.file();
    }

    /** The synthetic model: large enough to measure, random weights; made on first use. */
    static Path synthetic(Progress progress) throws IOException {
        return SyntheticModel.defaultForRates((done, total) ->
                progress.show((double) done / total, "making the model that rates are measured with"));
    }
}
