package io.tmac4j.comparison.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/** How fast threads of Java read memory: each adds up its part of an array far larger than the caches. */
public final class ReadBandwidth {

    /** How it is measured, for readers. */
    public static final String METHOD = "best of 8 passes in which each thread adds up its part of 256 MiB in a plain Java loop";

    private static final int PASSES = 8;
    private static final int PIECES = 32;

    private final long[][] memory;
    /** Keeps the compiler from leaving the additions out. */
    private final AtomicLong sum = new AtomicLong();

    /** Takes the memory that is read. */
    public ReadBandwidth() {
        memory = new long[PIECES][(int) (WorkingSet.COLD_BYTES / PIECES / Long.BYTES)];
        for (int i = 0; i < PIECES; i++) {
            // untouched pages would all be the same page of zeros on some systems
            Arrays.fill(memory[i], i);
        }
    }

    /** Bytes a second that {@code threads} threads read together. */
    public double measure(int threads) {
        double best = 0;
        for (int pass = 0; pass < PASSES; pass++) {
            best = Math.max(best, WorkingSet.COLD_BYTES * 1e9 / pass(threads));
        }
        return best;
    }

    /** Nanoseconds from the start signal to the end of the last thread. */
    private long pass(int threads) {
        CountDownLatch ready = new CountDownLatch(threads);
        CountDownLatch start = new CountDownLatch(1);
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int number = i;
            readers.add(Thread.ofPlatform().daemon().name("read-bandwidth-" + i).start(() -> {
                ready.countDown();
                if (await(start)) {
                    read(number, threads);
                }
            }));
        }
        await(ready);
        long begin = System.nanoTime();
        start.countDown();
        for (Thread reader : readers) {
            join(reader);
        }
        return System.nanoTime() - begin;
    }

    /** Reads part {@code number} of {@code parts} equal ones. */
    private void read(int number, int parts) {
        long total = (long) PIECES * memory[0].length;
        long end = total * (number + 1) / parts;
        long found = 0;
        for (long at = total * number / parts; at < end; ) {
            long[] piece = memory[(int) (at / memory[0].length)];
            int from = (int) (at % memory[0].length);
            int to = (int) Math.min(piece.length, from + end - at);
            found += sum(piece, from, to);
            at += to - from;
        }
        sum.addAndGet(found);
    }

    private static long sum(long[] piece, int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum += piece[i];
        }
        return sum;
    }

    /** What all passes added up together. */
    long sum() {
        return sum.get();
    }

    private static boolean await(CountDownLatch latch) {
        try {
            latch.await();
            return true;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while measuring");
        }
    }
}
