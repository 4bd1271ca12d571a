package io.tmac4j.bindings;

import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;

/** Says a message for its one subscriber and hands out the pieces of the answer as they are asked for. */
final class AnswerPublisher implements Flow.Publisher<String> {

    private final Session session;
    private final String message;
    private final AtomicBoolean subscribed = new AtomicBoolean();

    AnswerPublisher(Session session, String message) {
        this.session = session;
        this.message = message;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super String> subscriber) {
        Objects.requireNonNull(subscriber, "subscriber");
        Answer answer = new Answer(subscriber);
        if (!subscribed.compareAndSet(false, true)) {
            answer.cancel();
            subscriber.onSubscribe(answer);
            subscriber.onError(new IllegalStateException("this answer has its subscriber; a message is said once"));
            return;
        }
        subscriber.onSubscribe(answer);
        Thread.ofVirtual().name("tmac-answer").start(answer);
    }

    private final class Answer implements Flow.Subscription, Runnable {

        private final Flow.Subscriber<? super String> subscriber;
        private long demand;
        private boolean cancelled;
        private IllegalArgumentException misuse;
        private TokenStream stream;

        Answer(Flow.Subscriber<? super String> subscriber) {
            this.subscriber = subscriber;
        }

        @Override
        public synchronized void request(long count) {
            if (count <= 0) {
                misuse = new IllegalArgumentException("the number of pieces asked for must be positive, not " + count);
            } else {
                demand = Long.MAX_VALUE - demand < count ? Long.MAX_VALUE : demand + count;
            }
            notifyAll();
        }

        @Override
        public synchronized void cancel() {
            cancelled = true;
            if (stream != null) {
                stream.cancel();
            }
            notifyAll();
        }

        @Override
        public void run() {
            try {
                if (awaitDemand()) {
                    answer();
                    if (!isCancelled()) {
                        subscriber.onComplete();
                    }
                }
            } catch (RuntimeException | InterruptedException | Error e) {
                if (!isCancelled()) {
                    subscriber.onError(e);
                }
            }
        }

        private void answer() throws InterruptedException {
            try (TokenStream pieces = session.stream(message)) {
                synchronized (this) {
                    stream = pieces;
                }
                while (pieces.hasNext() && awaitDemand()) {
                    synchronized (this) {
                        demand--;
                    }
                    subscriber.onNext(pieces.next());
                }
            }
        }

        private synchronized boolean isCancelled() {
            return cancelled;
        }

        /** Waits until a piece is wanted; false if none will be. */
        private synchronized boolean awaitDemand() throws InterruptedException {
            while (demand == 0 && !cancelled && misuse == null) {
                wait();
            }
            if (misuse != null && !cancelled) {
                throw misuse;
            }
            return !cancelled;
        }
    }
}
