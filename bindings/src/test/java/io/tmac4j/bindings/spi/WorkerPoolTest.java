package io.tmac4j.bindings.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkerPoolTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final WorkerPool pool = new WorkerPool("pool-test-", 4);

    /** Checks everything that a task may rely on while it runs. */
    private static final class Checked implements ParallelTask {

        private final int[] chunks;
        private final int threads;
        private final AtomicIntegerArray done;
        private final AtomicIntegerArray[] runs;
        private final AtomicIntegerArray busy;
        private final AtomicReference<String> wrong = new AtomicReference<>();
        private int nanosPerChunk;

        Checked(int threads, int... chunks) {
            this.threads = threads;
            this.chunks = chunks;
            this.done = new AtomicIntegerArray(chunks.length);
            this.busy = new AtomicIntegerArray(threads);
            this.runs = new AtomicIntegerArray[chunks.length];
            for (int i = 0; i < chunks.length; i++) {
                runs[i] = new AtomicIntegerArray(chunks[i]);
            }
        }

        @Override
        public int phases() {
            return chunks.length;
        }

        @Override
        public int chunks(int phase) {
            checkBefore(phase);
            return chunks[phase];
        }

        private void checkBefore(int phase) {
            for (int i = 0; i < phase; i++) {
                if (done.get(i) != chunks[i]) {
                    wrong.set("phase " + phase + " began when phase " + i + " had " + done.get(i) + " of " + chunks[i] + " done");
                }
            }
        }

        @Override
        public void run(int phase, int chunk, int worker) {
            checkBefore(phase);
            if (worker < 0 || worker >= threads || busy.getAndSet(worker, 1) != 0) {
                wrong.set("worker " + worker + " runs two chunks at a time or does not exist");
            }
            long end = System.nanoTime() + nanosPerChunk;
            while (System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            if (runs[phase].incrementAndGet(chunk) != 1) {
                wrong.set("chunk " + chunk + " of phase " + phase + " was run twice");
            }
            busy.set(worker, 0);
            done.incrementAndGet(phase);
        }

        void assertComplete() {
            assertThat(wrong.get()).isNull();
            for (int i = 0; i < chunks.length; i++) {
                assertThat(done.get(i)).isEqualTo(chunks[i]);
            }
        }
    }

    @Test
    void everyChunkOfEveryPhaseIsRunOnceAndInOrder() {
        for (int threads : new int[] {1, 2, 3, 4, 16}) {
            for (int[] chunks : new int[][] {{1}, {0}, {0, 0, 0}, {0, 5}, {5, 0}, {7, 0, 3}, {1, 1, 1, 1}, {1000, 1, 1000}, {}}) {
                Checked task = new Checked(threads, chunks);
                pool.run(threads, task);
                task.assertComplete();
            }
        }
    }

    @RepeatedTest(3)
    void manyCallersShareTheWorkers() throws Exception {
        List<Future<?>> results = new ArrayList<>();
        try (ExecutorService callers = Executors.newFixedThreadPool(8)) {
            for (int caller = 0; caller < 8; caller++) {
                results.add(callers.submit(() -> {
                    ThreadLocalRandom random = ThreadLocalRandom.current();
                    for (int i = 0; i < 2000; i++) {
                        int threads = random.nextInt(1, 6);
                        Checked task = new Checked(threads, random.nextInt(20), random.nextInt(3), random.nextInt(50));
                        pool.run(threads, task);
                        task.assertComplete();
                    }
                    return null;
                }));
            }
        }
        for (Future<?> result : results) {
            result.get();
        }
    }

    @Test
    void virtualThreadsMayCall() throws Exception {
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                results.add(callers.submit(() -> {
                    Checked task = new Checked(3, 10, 10);
                    pool.run(3, task);
                    task.assertComplete();
                }));
            }
            for (Future<?> result : results) {
                result.get();
            }
        }
    }

    @Test
    void moreRegionsThanSlotsAreComputedByTheirCallersAlone() throws Exception {
        try (ExecutorService callers = Executors.newFixedThreadPool(100)) {
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                results.add(callers.submit(() -> {
                    Checked task = new Checked(2, 20);
                    task.nanosPerChunk = 200_000;
                    pool.run(2, task);
                    task.assertComplete();
                }));
            }
            for (Future<?> result : results) {
                result.get();
            }
        }
    }

    @Test
    void aTaskMayRunATask() {
        AtomicInteger inner = new AtomicInteger();
        pool.run(4, task(1, 50, (_, _, _) -> pool.run(4, task(2, 10, (_, _, _) -> inner.incrementAndGet()))));
        assertThat(inner).hasValue(50 * 2 * 10);
    }

    @Test
    void theFirstExceptionReachesTheCallerAndThePoolStaysUsable() {
        for (int threads : new int[] {1, 2, 5}) {
            AtomicInteger later = new AtomicInteger();
            IllegalStateException failure = new IllegalStateException("chunk 3");
            assertThatThrownBy(() -> pool.run(threads, task(2, 10, (phase, chunk, _) -> {
                if (phase == 1) {
                    later.incrementAndGet();
                } else if (chunk == 3) {
                    throw failure;
                }
            }))).isSameAs(failure);
            assertThat(later).as("chunks of the phase after the failure").hasValue(0);
            OutOfMemoryError error = new OutOfMemoryError("simulated");
            assertThatThrownBy(() -> pool.run(threads, task(1, 1, (_, _, _) -> {
                throw error;
            }))).isSameAs(error);
            Checked task = new Checked(threads, 10, 10);
            pool.run(threads, task);
            task.assertComplete();
        }
    }

    @Test
    void anExceptionWhilePhasesAreCountedReachesTheCaller() {
        IllegalStateException failure = new IllegalStateException("no plan");
        for (int failingPhase : new int[] {0, 1}) {
            assertThatThrownBy(() -> pool.run(3, new ParallelTask() {
                @Override
                public int phases() {
                    return 2;
                }

                @Override
                public int chunks(int phase) {
                    if (phase == failingPhase) {
                        throw failure;
                    }
                    return 4;
                }

                @Override
                public void run(int phase, int chunk, int worker) {
                }
            })).isSameAs(failure);
        }
    }

    @Test
    void impossibleNumbersAreRefused() {
        assertThatThrownBy(() -> pool.run(0, task(1, 1, (_, _, _) -> { })))
                .isInstanceOf(IllegalArgumentException.class).hasMessage("threads must be at least 1, not 0");
        assertThatThrownBy(() -> pool.run(2, task(1, -1, (_, _, _) -> { })))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("-1");
        assertThatThrownBy(() -> pool.run(2, task(1, 1 << 24, (_, _, _) -> { })))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("16777216");
        assertThatThrownBy(() -> pool.run(2, task(255, 1, (_, _, _) -> { })))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("255");
    }

    @Test
    void workersReallyTakePart() {
        Checked task = new Checked(2, 200);
        task.nanosPerChunk = 1_000_000;
        AtomicIntegerArray chunksOfWorker = new AtomicIntegerArray(2);
        pool.run(2, task(1, 200, (phase, chunk, worker) -> {
            chunksOfWorker.incrementAndGet(worker);
            task.run(phase, chunk, worker);
        }));
        task.assertComplete();
        assertThat(chunksOfWorker.get(1)).as("chunks of 200 done by the worker").isPositive();
    }

    @Test
    void sixteenThreadsOnFewCoresComplete() {
        for (int i = 0; i < 200; i++) {
            Checked task = new Checked(16, 40, 40);
            task.nanosPerChunk = 5_000;
            pool.run(16, task);
            task.assertComplete();
        }
    }

    @Test
    void idleWorkersUseNoProcessor() throws Exception {
        for (int i = 0; i < 100; i++) {
            pool.run(8, new Checked(8, 100));
        }
        Thread.sleep(Duration.ofMillis(100));
        long before = workerNanos();
        Thread.sleep(Duration.ofMillis(500));
        assertThat(Duration.ofNanos(workerNanos() - before)).isLessThan(Duration.ofMillis(5));
    }

    @Test
    void workersThatFindNoRoomGoToSleepWhileOthersWork() throws Exception {
        pool.run(8, new Checked(8, 100));
        Thread.sleep(Duration.ofMillis(50));
        long before = workerNanos();
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < 300_000_000) {
            Checked task = new Checked(2, 4);
            task.nanosPerChunk = 10_000;
            pool.run(2, task);
        }
        double busy = (workerNanos() - before) / (double) (System.nanoTime() - begin);
        assertThat(busy).as("processors used by workers of regions with room for one").isLessThan(1.3);
    }

    @Test
    void aRegionAllocatesNothing() {
        ParallelTask task = task(2, 16, (_, _, _) -> { });
        for (int i = 0; i < 20_000; i++) {
            pool.run(3, task);
        }
        long caller = Thread.currentThread().threadId();
        long before = THREADS.getThreadAllocatedBytes(caller);
        for (int i = 0; i < 1000; i++) {
            pool.run(3, task);
        }
        assertThat((THREADS.getThreadAllocatedBytes(caller) - before) / 1000).isZero();
    }

    @Test
    void anExceptionInOneCallerLeavesOthersAlone() throws Exception {
        try (ExecutorService callers = Executors.newFixedThreadPool(2)) {
            Future<?> failing = callers.submit(() -> {
                for (int i = 0; i < 2000; i++) {
                    assertThatThrownBy(() -> pool.run(3, task(1, 10, (_, chunk, _) -> {
                        if (chunk % 2 == 1) {
                            throw new IllegalStateException();
                        }
                    }))).isInstanceOf(IllegalStateException.class);
                }
            });
            Future<?> working = callers.submit(() -> {
                for (int i = 0; i < 2000; i++) {
                    Checked task = new Checked(3, 10, 10);
                    pool.run(3, task);
                    task.assertComplete();
                }
            });
            failing.get();
            working.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }

    private long workerNanos() {
        long nanos = 0;
        for (long id : THREADS.getAllThreadIds()) {
            var info = THREADS.getThreadInfo(id);
            if (info != null && info.getThreadName().startsWith("pool-test-")) {
                nanos += THREADS.getThreadCpuTime(id);
            }
        }
        return nanos;
    }

    private interface Chunk {
        void run(int phase, int chunk, int worker);
    }

    private static ParallelTask task(int phases, int chunks, Chunk body) {
        return new ParallelTask() {
            @Override
            public int phases() {
                return phases;
            }

            @Override
            public int chunks(int phase) {
                return chunks;
            }

            @Override
            public void run(int phase, int chunk, int worker) {
                body.run(phase, chunk, worker);
            }
        };
    }
}
