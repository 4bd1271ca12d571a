package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;

/** Whether attention runs as one fused operation. */
public enum FlashAttention {
    /** llama.cpp decides by model and device. */
    AUTO,
    ON,
    OFF;

    int nativeValue() {
        return switch (this) {
            case AUTO -> LlamaCpp.LLAMA_FLASH_ATTN_TYPE_AUTO();
            case ON -> LlamaCpp.LLAMA_FLASH_ATTN_TYPE_ENABLED();
            case OFF -> LlamaCpp.LLAMA_FLASH_ATTN_TYPE_DISABLED();
        };
    }
}
