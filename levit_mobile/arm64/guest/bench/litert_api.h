/* What is used of the C interface of LiteRT 2, whose wheel brings the library without headers. */
#ifndef LEVIT_MOBILE_LITERT_API_H
#define LEVIT_MOBILE_LITERT_API_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct LiteRtEnvironmentT *LiteRtEnvironment;
typedef struct LiteRtModelT *LiteRtModel;
typedef struct LiteRtOptionsT *LiteRtOptions;
typedef struct LiteRtOpaqueOptionsT *LiteRtOpaqueOptions;
typedef struct LiteRtCompiledModelT *LiteRtCompiledModel;
typedef struct LiteRtSignatureT *LiteRtSignature;
typedef struct LiteRtTensorT *LiteRtTensor;
typedef struct LiteRtTensorBufferRequirementsT *LiteRtRequirements;
typedef struct LiteRtTensorBufferT *LiteRtTensorBuffer;
typedef int LiteRtStatus; /* 0 is success */

typedef struct {
  unsigned int rank : 7, has_strides : 1;
  int32_t dimensions[8]; /* below 0 where the model leaves them open */
  uint32_t strides[8];
} LiteRtLayout;

typedef struct {
  int element_type; /* TensorFlow Lite's number of it */
  LiteRtLayout layout;
} LiteRtRankedTensorType;

enum { ACCELERATOR_CPU = 1, LOCK_READ = 0, LOCK_WRITE = 1 };
enum { XNNPACK_INT8 = 1, XNNPACK_UINT8 = 2, XNNPACK_FORCE_FLOAT16 = 4 }; /* flags; the first two are the default */

LiteRtStatus LiteRtCreateEnvironment(int option_count, const void *options, LiteRtEnvironment *);
LiteRtStatus LiteRtCreateModelFromFile(LiteRtEnvironment, const char *path, LiteRtModel *);
LiteRtStatus LiteRtCreateOptions(LiteRtOptions *);
LiteRtStatus LiteRtSetOptionsHardwareAccelerators(LiteRtOptions, int accelerators);
LiteRtStatus LiteRtCreateOpaqueOptions(const char *identifier, void *payload, void (*release)(void *),
                                       LiteRtOpaqueOptions *);
LiteRtStatus LiteRtAddOpaqueOptions(LiteRtOptions, LiteRtOpaqueOptions);
LiteRtStatus LiteRtCreateCompiledModel(LiteRtEnvironment, LiteRtModel, LiteRtOptions, LiteRtCompiledModel *);

LiteRtStatus LiteRtGetNumModelSignatures(LiteRtModel, size_t *);
LiteRtStatus LiteRtGetModelSignature(LiteRtModel, size_t index, LiteRtSignature *);
LiteRtStatus LiteRtGetNumSignatureInputs(LiteRtSignature, size_t *);
LiteRtStatus LiteRtGetNumSignatureOutputs(LiteRtSignature, size_t *);
LiteRtStatus LiteRtGetSignatureInputTensorByIndex(LiteRtSignature, size_t index, LiteRtTensor *);
LiteRtStatus LiteRtGetSignatureOutputTensorByIndex(LiteRtSignature, size_t index, LiteRtTensor *);
LiteRtStatus LiteRtGetRankedTensorType(LiteRtTensor, LiteRtRankedTensorType *);

LiteRtStatus LiteRtGetCompiledModelInputBufferRequirements(LiteRtCompiledModel, size_t signature, size_t index,
                                                           LiteRtRequirements *);
LiteRtStatus LiteRtGetCompiledModelOutputBufferRequirements(LiteRtCompiledModel, size_t signature, size_t index,
                                                            LiteRtRequirements *);
LiteRtStatus LiteRtCreateManagedTensorBufferFromRequirements(LiteRtEnvironment, const LiteRtRankedTensorType *,
                                                             LiteRtRequirements, LiteRtTensorBuffer *);
LiteRtStatus LiteRtGetTensorBufferSize(LiteRtTensorBuffer, size_t *);
LiteRtStatus LiteRtLockTensorBuffer(LiteRtTensorBuffer, void **, int mode);
LiteRtStatus LiteRtUnlockTensorBuffer(LiteRtTensorBuffer);
LiteRtStatus LiteRtRunCompiledModel(LiteRtCompiledModel, size_t signature, size_t input_count, LiteRtTensorBuffer *,
                                    size_t output_count, LiteRtTensorBuffer *);
#endif
