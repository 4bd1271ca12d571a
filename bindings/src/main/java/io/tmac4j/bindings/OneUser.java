package io.tmac4j.bindings;

import java.util.concurrent.atomic.AtomicReference;

/** Lets one thread in at a time and refuses the others at once. */
final class OneUser {

    private final String what;
    private final AtomicReference<Thread> user = new AtomicReference<>();

    OneUser(String what) {
        this.what = what;
    }

    boolean tryEnter() {
        return user.compareAndSet(null, Thread.currentThread());
    }

    /** @throws ConcurrentUseException if a thread is inside */
    void enter() {
        if (!tryEnter()) {
            throw new ConcurrentUseException(isMine() ? "the " + what + " is called from inside of one of its own calls"
                    : "the " + what + " is in use by another thread; use one " + what + " a thread, or take turns");
        }
    }

    void exit() {
        user.set(null);
    }

    /** Whether the current thread is inside. */
    boolean isMine() {
        return user.get() == Thread.currentThread();
    }

    boolean isFree() {
        return user.get() == null;
    }
}
