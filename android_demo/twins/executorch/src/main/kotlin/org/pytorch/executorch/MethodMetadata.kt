package org.pytorch.executorch

class MethodMetadata internal constructor(
    val name: String,
    val backends: Array<String>,
)
