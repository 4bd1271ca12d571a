package io.tmac4j.bindings.spi;

import java.util.Arrays;
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

    /**
     * Time after its last work that a worker stays awake, in nanoseconds: longer than the light operations between two
     * products of a decode step, shorter than a time slice.
     */
    private static final long AWAKE_NANOS = 100_000;

    /** Time that a waiting thread spins before it offers its core to other threads in between. */
    private static final long EAGER_NANOS = 20_000;

    private static final int MAX_REGIONS = 64;

    private static final WorkerPool SHARED = new WorkerPool("tmac4j-worker-", Runtime.getRuntime().availableProcessors());

    private final String threadPrefix;
    private final int processors;
    private final AtomicReferenceArray<Region> published = new AtomicReferenceArray<>(MAX_REGIONS);
    private final AtomicReferenceArray<Region> idleRegions = new AtomicReferenceArray<>(MAX_REGIONS);
    private final AtomicInteger publications = new AtomicInteger();
    /** Workers that the regions under way would like to have. */
    private final AtomicInteger demand = new AtomicInteger();
    private volatile Worker[] workers = new Worker[0];

    WorkerPool(String threadPrefix, int processors) {
        this.threadPrefix = threadPrefix;
        this.processors = processors;
    }

    /** The pool of this JVM; its daemon threads start when first needed. */
    public static WorkerPool shared() {
        return SHARED;
    }

    /**
     * Runs all phases of {@code task} on up to {@code threads} threads, the caller being one, and returns when every
     * chunk is finished. Allocates nothing in steady state. May be called from inside a task.
     *
     * @throws IllegalArgumentException if {@code threads} is not positive, or the task has too many phases or chunks
     * @throws RuntimeException         what the first failing chunk threw, after all chunks under way have ended; chunks not
     *                                  begun by then are left out; errors alike
     */
    public void run(int threads, ParallelTask task) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1, not " + threads);
        }
        if (threads == 1) {
            runAlone(task);
            return;
        }
        int wanted = demand.addAndGet(threads - 1);
        try {
            ensureWorkers(Math.max(threads - 1, Math.min(wanted, processors - 1)));
            runShared(threads, task);
        } finally {
            demand.addAndGet(1 - threads);
        }
    }

    private void runShared(int threads, ParallelTask task) {
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

    /** Wakes parked workers until as many are awake and without work as are wanted, or none is left. */
    private void wakeWorkers(int wanted) {
        Worker[] all = workers;
        int awake = 0;
        for (Worker worker : all) {
            if (worker.state.get() == Worker.AWAKE) {
                awake++;
            }
        }
        for (int i = 0; i < all.length && awake < wanted; i++) {
            if (all[i].state.get() == Worker.PARKED && all[i].state.compareAndSet(Worker.PARKED, Worker.AWAKE)) {
                LockSupport.unpark(all[i]);
                awake++;
            }
        }
    }

    private void ensureWorkers(int wanted) {
        if (workers.length < wanted) {
            grow(wanted);
        }
    }

    private synchronized void grow(int wanted) {
        Worker[] old = workers;
        if (old.length >= wanted) {
            return;
        }
        Worker[] all = Arrays.copyOf(old, wanted);
        for (int i = old.length; i < wanted; i++) {
            all[i] = new Worker(threadPrefix + (i + 1));
            all[i].start();
        }
        workers = all;
    }

    /** Workers that could still join the regions under way. */
    private int room() {
        int room = 0;
        for (int i = 0; i < MAX_REGIONS; i++) {
            Region region = published.get(i);
            if (region != null) {
                room += region.room();
            }
        }
        return room;
    }

    private final class Worker extends Thread {

        private static final int AWAKE = 0;
        private static final int BUSY = 1;
        private static final int PARKED = 2;

        private final AtomicInteger state = new AtomicInteger(AWAKE);

        Worker(String name) {
            super(null, null, name, 0, false);
            setDaemon(true);
        }

        @Override
        public void run() {
            long lastWork = System.nanoTime();
            while (true) {
                int seen = publications.get();
                if (helpAny()) {
                    lastWork = System.nanoTime();
                } else if (!awaitPublication(seen, lastWork)) {
                    park();
                    lastWork = System.nanoTime();
                }
            }
        }

        private boolean helpAny() {
            boolean helped = false;
            for (int i = 0; i < MAX_REGIONS; i++) {
                Region region = published.get(i);
                if (region != null) {
                    long membership = region.join();
                    if (membership != Region.NO_ROOM) {
                        help(region, membership);
                        helped = true;
                    }
                }
            }
            return helped;
        }

        private void help(Region region, long membership) {
            state.set(BUSY);
            if (demand.get() > region.threads - 1) {
                // a second caller may have counted on this worker, seeing it awake
                wakeWorkers(room());
            }
            region.work((int) (membership >>> Region.EPOCH_SHIFT), (int) membership);
            state.set(AWAKE);
        }

        /**
         * Waits for a region to be published; false once it is {@link #AWAKE_NANOS} since this worker had work. Regions
         * that it found no room in do not keep it awake.
         */
        private boolean awaitPublication(int seen, long lastWork) {
            while (true) {
                long idle = System.nanoTime() - lastWork;
                if (idle > AWAKE_NANOS) {
                    return false;
                }
                if (publications.get() != seen) {
                    return true;
                }
                if (idle < EAGER_NANOS) {
                    Thread.onSpinWait();
                } else {
                    Thread.yield();
                }
            }
        }

        private void park() {
            state.set(PARKED);
            // looked again after the state is set: a publisher that saw this worker awake has published before
            if (room() > 0) {
                state.set(AWAKE);
                return;
            }
            while (state.get() == PARKED) {
                LockSupport.park(WorkerPool.this);
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

        /** No membership: the number 0 is the caller's. */
        private static final long NO_ROOM = 0;

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
                if (chunks < 0 || chunks > CHUNK_MASK) {
                    throw new IllegalArgumentException("a phase has 0 to " + CHUNK_MASK + " chunks, not " + chunks);
                }
            } catch (Throwable t) {
                fail(t);
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

        /** Called by pool threads: epoch and number of a new member, or {@link #NO_ROOM}. */
        long join() {
            while (true) {
                long seen = members.get();
                int count = (int) seen;
                long now = ticket.get();
                if (now >>> EPOCH_SHIFT != seen >>> EPOCH_SHIFT || phaseOf(now) == FINISHED || count >= threads) {
                    return NO_ROOM;
                }
                if (members.compareAndSet(seen, seen + 1)) {
                    return seen;
                }
            }
        }

        /** Members that could still join. */
        int room() {
            long seen = members.get();
            long now = ticket.get();
            boolean open = now >>> EPOCH_SHIFT == seen >>> EPOCH_SHIFT && phaseOf(now) != FINISHED;
            return open ? Math.max(0, threads - (int) seen) : 0;
        }

        /** Claims and runs chunks until the region is finished. */
        void work(int workEpoch, int worker) {
            long idleSince = 0;
            while (true) {
                long now = ticket.get();
                if ((int) (now >>> EPOCH_SHIFT) != workEpoch || phaseOf(now) == FINISHED) {
                    return;
                }
                int remaining = (int) now & CHUNK_MASK;
                if (remaining > 0) {
                    if (ticket.compareAndSet(now, now - 1)) {
                        // holding a claim keeps the phase, and with it chunksOfPhase, from changing
                        runChunk(phaseOf(now), chunksOfPhase - remaining, worker);
                        idleSince = 0;
                    }
                    continue;
                }
                // the phase's last chunks are under way elsewhere
                if (idleSince == 0) {
                    idleSince = System.nanoTime();
                } else if (System.nanoTime() - idleSince > EAGER_NANOS) {
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
                fail(t);
            }
            if (unfinished.decrementAndGet() == 0) {
                startPhase(phase + 1);
            }
        }

        private synchronized void fail(Throwable cause) {
            if (failure == null) {
                failure = cause;
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
