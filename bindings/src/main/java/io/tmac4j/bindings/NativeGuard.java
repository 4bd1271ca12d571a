package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps llama.cpp from ending the VM where it gives up on a file. A failed {@code GGML_ASSERT} and a C++ exception that
 * nothing in
 * llama.cpp catches both end in {@code abort()}, by way of a handler that may be replaced: ours fails the call in Java and never
 * returns. For that the call runs on a thread of its own, which stays parked for good, with whatever memory llama.cpp had taken.
 *
 * <p>What is not contained: accesses to wrong addresses, endless loops, and failures on threads that llama.cpp started itself.
 */
@SuppressWarnings("restricted")
final class NativeGuard {

    private static final Logger LOG = LoggerFactory.getLogger(NativeGuard.class);

    /** As much as a main thread has, on which llama.cpp's own programs run. */
    private static final long STACK_BYTES = 8L << 20;

    /** {@code std::set_terminate} as the C++ libraries of GCC and Clang name it; Microsoft's has one handler a thread. */
    private static final String SET_TERMINATE = "_ZSt13set_terminatePFvvE";

    /** llama.cpp would have ended the VM; the message is its reason. */
    static final class GaveUpException extends LlamaException {

        private static final long serialVersionUID = 1;

        private GaveUpException(String message) {
            super(message);
        }
    }

    /** The call that this thread is there for. */
    private static final ThreadLocal<CompletableFuture<?>> CALL = new ThreadLocal<>();

    private NativeGuard() {
    }

    /** Installs the handlers; their stubs live as long as the VM. */
    static void install() {
        LlamaCpp.ggml_set_abort_callback(stub("onAbort", MemorySegment.class));
        SymbolLookup.loaderLookup().find(SET_TERMINATE).ifPresentOrElse(NativeGuard::setTerminate,
                () -> LOG.debug("uncaught C++ exceptions are not contained: there is no {}", SET_TERMINATE));
    }

    private static MemorySegment stub(String method, Class<?>... arguments) {
        try {
            MethodType type = MethodType.methodType(void.class, arguments);
            return Linker.nativeLinker().upcallStub(MethodHandles.lookup().findStatic(NativeGuard.class, method, type),
                    FunctionDescriptor.ofVoid(arguments.length == 0 ? new MemoryLayout[0]
                            : new MemoryLayout[] {ValueLayout.ADDRESS}), Arena.global());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void setTerminate(MemorySegment function) {
        try {
            MemorySegment previous = (MemorySegment) Linker.nativeLinker().downcallHandle(function,
                    FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS)).invokeExact(stub("onTerminate"));
            LOG.trace("the handler of uncaught C++ exceptions was {}", previous);
        } catch (Throwable e) {
            LOG.debug("uncaught C++ exceptions are not contained", e);
        }
    }

    /**
     * Runs a call into llama.cpp on a thread of its own and waits for it.
     *
     * @return what {@code call} returns; exceptions that it throws leave this method too
     * @throws GaveUpException if llama.cpp gave up, with its reason
     */
    static <T> T call(String what, Supplier<T> call) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread = new Thread(null, () -> {
            CALL.set(result);
            try {
                result.complete(call.get());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        }, "tmac4j-" + what, STACK_BYTES);
        thread.setDaemon(true);
        thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
        thread.start();
        Throwable failure = result.handle((value, thrown) -> thrown).join();
        return switch (failure) {
            case null -> result.resultNow();
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(failure);
        };
    }

    private static void onAbort(MemorySegment message) {
        try {
            String text = message.address() == 0 ? "" : message.reinterpret(Long.MAX_VALUE).getString(0);
            giveUp(withoutFolders(text));
        } catch (Throwable e) {
            // an exception that leaves an upcall ends the VM, and that is what happens next anyway
            LOG.error("llama.cpp ends this process");
        }
    }

    private static void onTerminate() {
        try {
            giveUp("an uncaught C++ exception");
            Runtime.getRuntime().halt(1);
        } catch (Throwable e) {
            Runtime.getRuntime().halt(1);
        }
    }

    /** Returns if there is no call to fail. */
    private static void giveUp(String reason) {
        CompletableFuture<?> call = CALL.get();
        if (call == null) {
            LOG.error("llama.cpp ends this process: {}", reason);
            return;
        }
        call.completeExceptionally(new GaveUpException("it gave up at " + reason));
        while (true) {
            LockSupport.park(call);
        }
    }

    /** {@code a/folder/src/llama-model.cpp:12: ...} becomes {@code llama-model.cpp:12: ...}. */
    static String withoutFolders(String message) {
        int end = message.indexOf(": ");
        int slash = Math.max(message.lastIndexOf('/', Math.max(0, end)), message.lastIndexOf('\\', Math.max(0, end)));
        return message.substring(slash + 1).strip();
    }
}
