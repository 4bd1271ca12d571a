package io.tmac4j.bindings;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps a native object alive while it is in use: it is freed when its owner has closed it and the last user has let go.
 * After the owner's close no new user is let in.
 */
final class RefCounted {

    /** Set in the count once the owner has closed; far above any number of users. */
    private static final int CLOSED = 1 << 30;

    private final String what;
    private final Runnable free;
    private final AtomicInteger state = new AtomicInteger();

    RefCounted(String what, Runnable free) {
        this.what = what;
        this.free = free;
    }

    void acquire() {
        if (!tryAcquire()) {
            throw new IllegalStateException("the " + what + " is closed");
        }
    }

    private boolean tryAcquire() {
        int now;
        do {
            now = state.get();
            if (now >= CLOSED) {
                return false;
            }
        } while (!state.compareAndSet(now, now + 1));
        return true;
    }

    /** Lets another user in whom one that is inside brings along, also after the owner's close. */
    void share() {
        state.incrementAndGet();
    }

    void release() {
        if (state.decrementAndGet() == CLOSED) {
            free.run();
        }
    }

    /** The owner's close; later ones do nothing. */
    void close() {
        int now;
        do {
            now = state.get();
            if (now >= CLOSED) {
                return;
            }
        } while (!state.compareAndSet(now, now + CLOSED));
        if (now == 0) {
            free.run();
        }
    }

    boolean isClosed() {
        return state.get() >= CLOSED;
    }
}
