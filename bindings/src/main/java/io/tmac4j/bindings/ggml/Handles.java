package io.tmac4j.bindings.ggml;

import java.util.Arrays;

/**
 * Numbers for Java objects that native structs refer to in their {@code void *} fields. Number 0 stands for none. Reading
 * takes no lock and allocates nothing.
 */
final class Handles<T> {

    private volatile Object[] table = new Object[16];
    private int lowestFree = 1;

    /** A number for {@code object}, valid until {@link #remove}. */
    synchronized int add(T object) {
        Object[] objects = table;
        int handle = lowestFree;
        while (handle < objects.length && objects[handle] != null) {
            handle++;
        }
        if (handle == objects.length) {
            objects = Arrays.copyOf(objects, 2 * handle);
        }
        objects[handle] = object;
        // a volatile write, so that who reads the number reads the object
        table = objects;
        lowestFree = handle + 1;
        return handle;
    }

    /** Forgets a number and returns its object. */
    synchronized T remove(int handle) {
        T object = get(handle);
        Object[] objects = table;
        objects[handle] = null;
        table = objects;
        lowestFree = Math.min(lowestFree, handle);
        return object;
    }

    /** The object of a number, or null if there is none. */
    @SuppressWarnings("unchecked")
    T get(int handle) {
        return (T) table[handle];
    }

    synchronized int size() {
        int size = 0;
        for (Object object : table) {
            size += object == null ? 0 : 1;
        }
        return size;
    }
}
