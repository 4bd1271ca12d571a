package io.tmac4j.bindings.spi;

import java.util.Arrays;

/**
 * One matrix product: for each column {@code c}, {@code destination(c)[row] = sum_k W[expert(c)][row][k] * activation(c)[k]}.
 * Activations are {@code k} contiguous floats, results {@code rows} contiguous floats, both at absolute addresses.
 *
 * <p>Mutable and reused from graph to graph, so that a decode step allocates nothing; engines only read it.
 */
public final class MatMul {

    private PackedWeights weights;
    private int columns;
    private long activationBase;
    private long activationStride;
    private long destinationBase;
    private long destinationStride;
    private boolean routed;
    private long[] activations = new long[0];
    private long[] destinations = new long[0];
    private int[] experts = new int[0];

    /** For bridges and tests; the bridge reuses its instances. */
    public MatMul() {
    }

    /** Describes a dense product: column {@code c} at {@code base + c * stride} bytes. */
    public MatMul dense(PackedWeights weights, int columns, long activationBase, long activationStride,
            long destinationBase, long destinationStride) {
        this.weights = weights;
        this.columns = columns;
        this.activationBase = activationBase;
        this.activationStride = activationStride;
        this.destinationBase = destinationBase;
        this.destinationStride = destinationStride;
        this.routed = false;
        return this;
    }

    /** Begins a routed product (mixture of experts) of {@code columns} columns; {@link #route} fills each of them. */
    public MatMul routed(PackedWeights weights, int columns) {
        this.weights = weights;
        this.columns = columns;
        this.routed = true;
        if (experts.length < columns) {
            int capacity = Math.max(columns, 2 * experts.length);
            activations = Arrays.copyOf(activations, capacity);
            destinations = Arrays.copyOf(destinations, capacity);
            experts = Arrays.copyOf(experts, capacity);
        }
        return this;
    }

    /** Sets one column of a routed product. */
    public void route(int column, int expert, long activation, long destination) {
        experts[column] = expert;
        activations[column] = activation;
        destinations[column] = destination;
    }

    /** The weights, as {@link MatMulEngine#pack} returned them. */
    public PackedWeights weights() {
        return weights;
    }

    /** Number of columns (tokens, or token-expert pairs); at least 1. */
    public int columns() {
        return columns;
    }

    /** Whether columns choose among experts. */
    public boolean isRouted() {
        return routed;
    }

    /** Address of the f32 activations of a column. */
    public long activation(int column) {
        return routed ? activations[column] : activationBase + column * activationStride;
    }

    /** Address of the f32 results of a column. */
    public long destination(int column) {
        return routed ? destinations[column] : destinationBase + column * destinationStride;
    }

    /** Index of the matrix that a column is multiplied with. */
    public int expert(int column) {
        return routed ? experts[column] : 0;
    }
}
