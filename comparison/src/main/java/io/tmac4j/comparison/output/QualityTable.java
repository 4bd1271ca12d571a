package io.tmac4j.comparison.output;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.ProductError;
import io.tmac4j.comparison.quality.PerplexityRun;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Perplexities and divergences as Markdown. */
public final class QualityTable {

    private static final Table PERPLEXITY = new Table(new Column("model", -30), new Column("engine", -10),
            new Column("perplexity", 20), new Column("tokens", 8), new Column("seconds", 8));
    private static final Table DIVERGENCE = new Table(new Column("engine", -10), new Column("KL mean", 19),
            new Column("median", 9), new Column("99 %", 9), new Column("max", 9), new Column("same top", 8),
            new Column("logit NMSE", 10));

    private static final Table PRODUCTS = new Table(new Column("tensor", -26), new Column("type", -6),
            new Column("weights", 14), new Column("llama.cpp", 9), new Column("tmac", 9), new Column("tmac, 1 token", 13),
            new Column("apart", 9));

    private QualityTable() {
    }

    /** Prints what was found for one model. */
    public static void print(PrintWriter out, String model, PerplexityRun.Outcome outcome) {
        PERPLEXITY.head(out);
        for (PerplexityRun.Result r : outcome.results()) {
            PERPLEXITY.row(out, List.of(model, r.engine(), String.format(Locale.ROOT, "%.4f ± %.4f", r.perplexity(), r.stderr()),
                    Long.toString(r.tokens()), String.format(Locale.ROOT, "%.1f", r.seconds())));
        }
        if (!outcome.divergences().isEmpty()) {
            out.println();
            out.println("Kullback-Leibler divergence from the predictions of " + outcome.divergences().getFirst().baseline()
                    + ", nats:");
            out.println();
            DIVERGENCE.head(out);
            for (PerplexityRun.Divergence d : outcome.divergences()) {
                DIVERGENCE.row(out, List.of(d.engine(), small(d.mean()) + " ± " + small(d.stderr()), small(d.median()),
                        small(d.p99()), small(d.maximum()),
                        String.format(Locale.ROOT, "%.2f %%", 100 * d.sameTop()), small(d.nmse())));
            }
        } else if (outcome.results().size() > 1) {
            out.println();
            out.println("The memory does not hold the model once for each engine, so their predictions could not be compared.");
        }
    }

    /** Prints the errors of single products. */
    public static void products(PrintWriter out, List<ProductError> products) {
        out.println();
        out.println("Products of single tensors, the same activations for both engines; NMSE against exact arithmetic, "
                + "and between the"
                + " engines:");
        out.println();
        PRODUCTS.head(out);
        for (ProductError e : products) {
            PRODUCTS.row(out, List.of(e.tensor(), e.type().ggmlName(), e.rows() + " x " + e.k(), small(e.llamaCpp()),
                    small(e.batch()),
                    small(e.single()), small(e.apart())));
        }
        products.stream().map(ProductError::type).distinct().forEach(type -> PRODUCTS.row(out, List.of("mean",
                type.ggmlName(), "", mean(products, type, ProductError::llamaCpp), mean(products, type, ProductError::batch),
                mean(products, type, ProductError::single), mean(products, type, ProductError::apart))));
        if (products.isEmpty()) {
            out.println();
            out.println("The engine takes none of this model's weights.");
        }
    }

    private static String mean(List<ProductError> products, GgmlType type, ToDoubleFunction<ProductError> error) {
        return small(products.stream().filter(product -> product.type() == type).mapToDouble(error).average().orElse(0));
    }

    private static String small(double value) {
        return value == 0 ? "0" : String.format(Locale.ROOT, "%.1e", value);
    }
}
