package io.tmac4j.bindings;

import java.lang.ref.Cleaner;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells of objects with native memory that were thrown away without being closed, and where they were opened. Only if the system
 * property {@value #PROPERTY} is true, since a stack trace is kept of each.
 */
final class Leak implements Runnable {

    static final String PROPERTY = "tmac.leaks";

    private static final Logger LOG = LoggerFactory.getLogger(Leak.class);
    private static final Leak NONE = new Leak("", null);

    private static final class Holder {
        static final Cleaner CLEANER = Cleaner.create();
    }

    private final String what;
    private final Throwable opened;
    private Cleaner.Cleanable watch;
    private volatile boolean closed;

    private Leak(String what, Throwable opened) {
        this.what = what;
        this.opened = opened;
    }

    /** Watches an object until {@link #closed()}. */
    static Leak watch(Object owner, String what) {
        if (!Boolean.getBoolean(PROPERTY)) {
            return NONE;
        }
        Leak leak = new Leak(what, new Throwable("opened here"));
        leak.watch = Holder.CLEANER.register(owner, leak);
        return leak;
    }

    /** The object was closed. */
    void closed() {
        closed = true;
        if (watch != null) {
            watch.clean();
        }
    }

    @Override
    public void run() {
        if (!closed) {
            LOG.warn("{} was never closed, its native memory is lost; use try-with-resources", what, opened);
        }
    }
}
