package io.tmac4j.bindings.spi;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads that share the work of matrix products. One pool serves the whole JVM. The caller of {@link #run} takes
 * part itself, so a region makes progress even when every worker is busy elsewhere or has lost its core.
 *
 * <p>Workers claim chunks one at a time. After work they spin for a bounded time, since the next product of a decode
 * step follows within microseconds, and then park: an idle session uses no CPU. A worker that was preempted before it
 * claimed anything holds nobody up; only chunks under way are waited for.
 *
 * <p>Regions may be run from any number of threads at once, virtual ones included; they share the workers.
 */
public final class WorkerPool {

    /** Time a worker without work spins before it parks, in ns; longer than a light graph op, shorter than a time slice. */
    private static final long SPIN_NANOS = 100_000;

    /** Time a caller spins for chunks that others have under way before it lets other threads have the core. */
    private static final long WAIT_SPIN_NANOS = 20_000;

    private static final int MAX_REGIONS = 64;

    private static final WorkerPool SHARED = new WorkerPool("tmac4j-worker-");

    private final String threadPrefix;
    private final AtomicReferenceArray<Region> published = new AtomicReferenceArray<>(MAX_REGIONS);
    private final AtomicReferenceArray<Region> idleRegions = new AtomicReferenceArray<>(MAX_REGIONS);
    private final AtomicInteger publications = new AtomicInteger();
    private volatile Worker[] workers = new Worker[0];

    private WorkerPool(String threadPrefix) {
        this.threadPrefix = threadPrefix;
    }

    /** The pool of this JVM; its daemon threads start when first needed. */
    public static WorkerPool shared() {
        return SHARED;
    }

    /**
     * Runs all phases of {@code task} on up to {@code threads} threads, the caller being one, and returns when every
     * chunk is finished. Allocates nothing in steady state.
     *
     * @throws IllegalArgumentException if {@code threads} is not positive
     * @throws RuntimeException         what the first failing chunk threw, after all chunks under way have ended; errors alike
     */
    public void run(int threads, ParallelTask task) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1, not " + threads);
        }
        if (threads == 1) {
            runAlone(task);
            return;
        }
        Region region = acquireRegion();
        int slot = region.begin(task, threads) ? publish(region) : -1;
        if (slot >= 0) {
            wakeWorkers(threads - 1);
        }
        region.work(region.epoch, 0);
        if (slot >= 0) {
            published.set(slot, null);
        }
        Throwable failure = region.end();
        releaseRegion(region);
        rethrow(failure);
    }

    private static void runAlone(ParallelTask task) {
        for (int phase = 0, phases = task.phases(); phase < phases; phase++) {
            for (int chunk = 0, chunks = task.chunks(phase); chunk < chunks; chunk++) {
                task.run(phase, chunk, 0);
            }
        }
    }

    private static void rethrow(Throwable failure) {
        switch (failure) {
            case null -> { }
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(failure);
        }
    }

    private Region acquireRegion() {
        for (int i = 0; i < MAX_REGIONS; i++) {
            Region region = idleRegions.get(i);
            if (region != null && idleRegions.compareAndSet(i, region, null)) {
                return region;
            }
        }
        return new Region();
    }

    private void releaseRegion(Region region) {
        for (int i = 0; i < MAX_REGIONS; i++) {
            if (idleRegions.get(i) == null && idleRegions.compareAndSet(i, null, region)) {
                return;
            }
        }
    }

    /** Makes the region visible to workers; -1 if too many regions are under way, then the caller works alone. */
    private int publish(Region region) {
        for (int i = 0; i < MAX_REGIONS; i++) {
            if (published.get(i) == null && published.compareAndSet(i, null, region)) {
                publications.incrementAndGet();
                return i;
            }
        }
        return -1;
    }

    private void wakeWorkers(int wanted) {
        Worker[] all = workers;
        if (all.length < wanted) {
            all = grow(wanted);
        }
        int spinning = 0;
        for (Worker worker : all) {
            if (!worker.parked) {
                spinning++;
            }
        }
        for (int i = 0; i < all.length && spinning < wanted; i++) {
            if (all[i].parked) {
                LockSupport.unpark(all[i]);
                spinning++;
            }
        }
    }

    private synchronized Worker[] grow(int wanted) {
        Worker[] old = workers;
        if (old.length >= wanted) {
            return old;
        }
        Worker[] all = new Worker[wanted];
        System.arraycopy(old, 0, all, 0, old.length);
        for (int i = old.length; i < wanted; i++) {
            all[i] = new Worker(threadPrefix + (i + 1));
            all[i].start();
        }
        workers = all;
        return all;
    }

    private final class Worker extends Thread {

        private volatile boolean parked;

        Worker(String name) {
            super(null, null, name, 0, false);
            setDaemon(true);
        }

        @Override
        public void run() {
            while (true) {
                int seen = publications.get();
                if (!helpAny()) {
                    awaitPublication(seen);
                }
            }
        }

        private boolean helpAny() {
            boolean helped = false;
            for (int i = 0; i < MAX_REGIONS; i++) {
                Region region = published.get(i);
                if (region != null) {
                    helped |= region.help();
                }
            }
            return helped;
        }

        private void awaitPublication(int seen) {
            long start = System.nanoTime();
            while (publications.get() == seen) {
                if (System.nanoTime() - start < SPIN_NANOS) {
                    Thread.onSpinWait();
                    continue;
                }
                parked = true;
                // checked again after the flag is set: a publisher that saw the flag unset has counted before it
                if (publications.get() == seen) {
                    LockSupport.park(WorkerPool.this);
                }
                parked = false;
            }
        }
    }

    /**
     * One call of {@link #run}. {@code ticket} holds epoch (32 bits), phase (8) and unclaimed chunks (24): a claim is a
     * compare-and-set of all three, so a worker that slept through the end of the region claims nothing of the next one.
     */
    private static final class Region {

        private static final int PHASE_SHIFT = 24;
        private static final int EPOCH_SHIFT = 32;
        private static final int CHUNK_MASK = (1 << PHASE_SHIFT) - 1;
        private static final int PHASE_MASK = 0xff;
        private static final int FINISHED = PHASE_MASK;

        private final AtomicLong ticket = new AtomicLong((long) FINISHED << PHASE_SHIFT);
        private final AtomicLong members = new AtomicLong();
        private final AtomicInteger unfinished = new AtomicInteger();
        private volatile int chunksOfPhase;
        private volatile Throwable failure;
        private ParallelTask task;
        private int phases;
        private int threads;
        private int epoch;

        /** Prepares the region; false if there is nothing to do. */
        boolean begin(ParallelTask newTask, int newThreads) {
            task = newTask;
            threads = newThreads;
            phases = newTask.phases();
            if (phases >= FINISHED) {
                throw new IllegalArgumentException("at most " + (FINISHED - 1) + " phases, not " + phases);
            }
            failure = null;
            epoch++;
            members.set(((long) epoch << EPOCH_SHIFT) | 1);
            return startPhase(0);
        }

        private boolean startPhase(int first) {
            int phase = first;
            int chunks = 0;
            try {
                while (phase < phases && failure == null && (chunks = task.chunks(phase)) == 0) {
                    phase++;
                }
                if (chunks > CHUNK_MASK) {
                    throw new IllegalArgumentException("at most " + CHUNK_MASK + " chunks, not " + chunks);
                }
            } catch (Throwable t) {
                failure = t;
            }
            if (phase >= phases || failure != null) {
                ticket.set(((long) epoch << EPOCH_SHIFT) | ((long) FINISHED << PHASE_SHIFT));
                return false;
            }
            chunksOfPhase = chunks;
            unfinished.set(chunks);
            ticket.set(((long) epoch << EPOCH_SHIFT) | ((long) phase << PHASE_SHIFT) | chunks);
            return true;
        }

        /** Called by pool threads: joins if there is room, works, leaves. */
        boolean help() {
            while (true) {
                long seen = members.get();
                int memberEpoch = (int) (seen >>> EPOCH_SHIFT);
                int count = (int) seen;
                long now = ticket.get();
                if ((int) (now >>> EPOCH_SHIFT) != memberEpoch || phaseOf(now) == FINISHED || count >= threads) {
                    return false;
                }
                if (members.compareAndSet(seen, seen + 1)) {
                    return work(memberEpoch, count);
                }
            }
        }

        /** Claims and runs chunks until the region is finished; returns whether any chunk was run. */
        boolean work(int workEpoch, int worker) {
            boolean worked = false;
            long idleSince = 0;
            while (true) {
                long now = ticket.get();
                if ((int) (now >>> EPOCH_SHIFT) != workEpoch || phaseOf(now) == FINISHED) {
                    return worked;
                }
                int remaining = (int) now & CHUNK_MASK;
                if (remaining > 0) {
                    if (ticket.compareAndSet(now, now - 1)) {
                        // holding a claim keeps the phase, and with it chunksOfPhase, from changing
                        runChunk(phaseOf(now), chunksOfPhase - remaining, worker);
                        worked = true;
                        idleSince = 0;
                    }
                    continue;
                }
                // the phase's last chunks are under way elsewhere
                if (idleSince == 0) {
                    idleSince = System.nanoTime();
                } else if (System.nanoTime() - idleSince > WAIT_SPIN_NANOS) {
                    Thread.yield();
                }
                Thread.onSpinWait();
            }
        }

        private void runChunk(int phase, int chunk, int worker) {
            try {
                if (failure == null) {
                    task.run(phase, chunk, worker);
                }
            } catch (Throwable t) {
                failure = t;
            }
            if (unfinished.decrementAndGet() == 0) {
                startPhase(phase + 1);
            }
        }

        Throwable end() {
            task = null;
            return failure;
        }

        private static int phaseOf(long ticket) {
            return (int) (ticket >>> PHASE_SHIFT) & PHASE_MASK;
        }
    }
}
