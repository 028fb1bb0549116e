// Matrix products by cuBLASLt, which counts matrices by columns: our rows are its columns, and so
// D' = B' A' in place of D = A B.
//
// docs.nvidia.com/cuda/cublas/#using-the-cublaslt-api
#include <cstdio>
#include <cstring>
#include <cublasLt.h>

#include "engine/nn/cuda_way.h"

#define FAVOURITES 8

#define CUBLAS_FUNCTIONS(X)                                                                        \
    X(cublasLtCreate)                                                                              \
    X(cublasLtDestroy)                                                                             \
    X(cublasLtGetVersion)                                                                          \
    X(cublasLtMatmul)                                                                              \
    X(cublasLtMatmulDescCreate)                                                                    \
    X(cublasLtMatmulDescDestroy)                                                                   \
    X(cublasLtMatmulDescSetAttribute)                                                              \
    X(cublasLtMatrixLayoutCreate)                                                                  \
    X(cublasLtMatrixLayoutDestroy)                                                                 \
    X(cublasLtMatrixLayoutSetAttribute)                                                            \
    X(cublasLtMatmulPreferenceCreate)                                                              \
    X(cublasLtMatmulPreferenceDestroy)                                                             \
    X(cublasLtMatmulPreferenceSetAttribute)                                                        \
    X(cublasLtMatmulAlgoGetHeuristic)

struct cuda_cublas {
    cublasLtHandle_t handle;
#define X(name) decltype(&name) name##_;
    CUBLAS_FUNCTIONS(X)
#undef X
};

#define TEXT_OF(x) #x
#define LIBRARY_NAME(major) "libcublasLt.so." TEXT_OF(major)

struct cuda_cublas *cuda_cublas_open(char *text, size_t size)
{
    struct cuda_cublas *c = new cuda_cublas();
#define X(name) {#name, (void **)&c->name##_},
    const std::vector<cuda_symbol> symbols = {CUBLAS_FUNCTIONS(X)};
#undef X
    bool whole = cuda_library_load(LIBRARY_NAME(CUBLAS_VER_MAJOR), DEEP3D_CUBLAS_FOLDER, symbols);

    if (whole && c->cublasLtCreate_(&c->handle) == CUBLAS_STATUS_SUCCESS) {
        unsigned version = (unsigned)c->cublasLtGetVersion_();

        snprintf(text, size, "cuBLASLt %u.%u.%u", version / 10000, version / 100 % 100,
                 version % 100);
        return c;
    }
    snprintf(text, size, "no cuBLASLt (%s %s)", LIBRARY_NAME(CUBLAS_VER_MAJOR),
             whole ? "failed" : "was not found");
    delete c;
    return NULL;
}

void cuda_cublas_close(struct cuda_cublas *c)
{
    c->cublasLtDestroy_(c->handle);
    delete c;
}

namespace
{

// A matrix as cuBLASLt sees it.
struct matrix {
    uint64_t rows, columns;
    int64_t lead, batch_step;
    cublasOperation_t operation;
};

// What the ways of one job share.
struct problem {
    struct cuda_cublas *c;
    cublasLtMatmulDesc_t operation = NULL;
    cublasLtMatrixLayout_t a = NULL, b = NULL, d = NULL;
    float beta = 0.0f;
    bool bare = false, bias = false;

    explicit problem(struct cuda_cublas *cublas) : c(cublas)
    {
    }
    problem(const problem &) = delete;
    ~problem()
    {
        if (d)
            c->cublasLtMatrixLayoutDestroy_(d);
        if (b)
            c->cublasLtMatrixLayoutDestroy_(b);
        if (a)
            c->cublasLtMatrixLayoutDestroy_(a);
        if (operation)
            c->cublasLtMatmulDescDestroy_(operation);
    }
};

// rows x columns by steps: one of the two steps is 1. False: it is not.
bool matrix_of(int rows, int row_step, int columns, int column_step, int batch_step,
               struct matrix *out)
{
    bool by_columns = row_step == 1; // as cuBLASLt likes it

    if (!by_columns && column_step != 1)
        return false;
    out->operation = by_columns ? CUBLAS_OP_N : CUBLAS_OP_T;
    out->rows = (uint64_t)(by_columns ? rows : columns);
    out->columns = (uint64_t)(by_columns ? columns : rows);
    out->lead = by_columns ? column_step : row_step;
    out->lead = out->lead < (int64_t)out->rows ? (int64_t)out->rows : out->lead;
    out->batch_step = batch_step;
    return true;
}

bool layout(struct cuda_cublas *c, cublasLtMatrixLayout_t *out, cudaDataType_t type,
            const struct matrix &m, int batch)
{
    return c->cublasLtMatrixLayoutCreate_(out, type, m.rows, m.columns, m.lead) ==
               CUBLAS_STATUS_SUCCESS &&
           c->cublasLtMatrixLayoutSetAttribute_(*out, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch,
                                                sizeof(batch)) == CUBLAS_STATUS_SUCCESS &&
           c->cublasLtMatrixLayoutSetAttribute_(*out, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                                &m.batch_step,
                                                sizeof(m.batch_step)) == CUBLAS_STATUS_SUCCESS;
}

// Bias, residual and activation inside the product? Else the product stands alone.
cublasLtEpilogue_t epilogue_of(const struct job &j, struct problem *p)
{
    bool bias = j.t[3].data != NULL,
         a_column = j.t[5].data && j.u.product.beta == 1.0f; // one bias a column, in D's type
    bool gelu = j.activation == ACTIVATION_GELU_TANH ||
                (j.activation == ACTIVATION_GELU && j.t[0].type == NN_FLOAT16);
    bool relu = j.activation == ACTIVATION_RELU;

    p->bare = (bias && !a_column) || (j.activation && !gelu && !relu);
    p->bias = bias && !p->bare;
    if (p->bare)
        return CUBLASLT_EPILOGUE_DEFAULT;
    p->beta = j.t[4].data ? 1.0f : 0.0f;
    if (relu)
        return bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
    if (gelu)
        return bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
    return bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
}

bool set(struct cuda_cublas *c, cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t name,
         const void *value, size_t size)
{
    return c->cublasLtMatmulDescSetAttribute_(d, name, value, size) == CUBLAS_STATUS_SUCCESS;
}

// False: not one for cuBLASLt.
bool describe(const struct job &j, struct problem *p)
{
    struct cuda_cublas *c = p->c;
    int row = j.rank - 2, column = j.rank - 1, batch = j.rank > 2 ? j.dims[0] : 1;
    int step[3] = {0, 0, 0};
    cudaDataType_t type = j.t[0].type == NN_FLOAT16 ? CUDA_R_16F : CUDA_R_32F;
    struct matrix a, b, d;

    for (int t = 0; t < 3 && j.rank > 2; t++)
        step[t] = j.t[t].step[0];
    // its A is our B, its columns our rows
    if (!matrix_of(j.dims[column], j.t[2].step[column], j.u.product.inner, j.u.product.b_step,
                   step[2], &a) ||
        !matrix_of(j.u.product.inner, j.u.product.a_step, j.dims[row], j.t[1].step[row], step[1],
                   &b) ||
        !matrix_of(j.dims[column], j.t[0].step[column], j.dims[row], j.t[0].step[row], step[0],
                   &d) ||
        d.operation != CUBLAS_OP_N)
        return false;
    cublasLtEpilogue_t epilogue = epilogue_of(j, p);
    return c->cublasLtMatmulDescCreate_(&p->operation, CUBLAS_COMPUTE_32F, CUDA_R_32F) ==
               CUBLAS_STATUS_SUCCESS &&
           set(c, p->operation, CUBLASLT_MATMUL_DESC_TRANSA, &a.operation, sizeof(a.operation)) &&
           set(c, p->operation, CUBLASLT_MATMUL_DESC_TRANSB, &b.operation, sizeof(b.operation)) &&
           set(c, p->operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof(epilogue)) &&
           layout(c, &p->a, type, a, batch) && layout(c, &p->b, type, b, batch) &&
           layout(c, &p->d, type, d, batch);
}

struct cublas_way : cuda_way {
    std::shared_ptr<struct problem> problem;
    cublasLtMatmulAlgo_t algorithm;

    bool run(const struct job *j, cudaStream_t stream) override
    {
        const struct problem &p = *problem;
        float alpha = j->u.product.alpha; // jobs that share this way may differ in it a little
        const void *more = p.beta != 0.0f ? j->t[4].data : j->t[0].data;

        if (p.bias && !set(p.c, p.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &j->t[5].data,
                           sizeof(j->t[5].data)))
            return false;
        if (p.c->cublasLtMatmul_(p.c->handle, p.operation, &alpha, j->t[2].data, p.a, j->t[1].data,
                                 p.b, &p.beta, more, p.d, j->t[0].data, p.d, &algorithm,
                                 j->workspace, workspace_bytes, stream) != CUBLAS_STATUS_SUCCESS)
            return false;
        if (bare)
            cuda_epilogue(j, stream);
        return true;
    }
};

} // namespace

cuda_ways cuda_cublas_ways(struct cuda_cublas *c, const struct job *job, const char *name)
{
    cuda_ways ways;
    std::shared_ptr<struct problem> p = std::make_shared<struct problem>(c);
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulHeuristicResult_t results[FAVOURITES];
    const uint64_t most = CUDA_WORKSPACE_MAX;
    int count = 0;

    if (job->u.product.integers || job->rank > 3 || job->t[1].type != job->t[0].type ||
        job->t[2].type != job->t[0].type || !job->u.product.inner || !describe(*job, p.get()))
        return ways;
    if (c->cublasLtMatmulPreferenceCreate_(&preference) == CUBLAS_STATUS_SUCCESS &&
        c->cublasLtMatmulPreferenceSetAttribute_(preference,
                                                 CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most,
                                                 sizeof(most)) == CUBLAS_STATUS_SUCCESS)
        c->cublasLtMatmulAlgoGetHeuristic_(c->handle, p->operation, p->a, p->b, p->d, p->d,
                                           preference, FAVOURITES, results, &count);
    if (preference)
        c->cublasLtMatmulPreferenceDestroy_(preference);
    for (int i = 0; i < count; i++) {
        std::unique_ptr<cublas_way> way(new cublas_way());

        snprintf(way->name, sizeof(way->name), "cuBLASLt %d%s", i, p->bare ? " alone" : "");
        if (results[i].state != CUBLAS_STATUS_SUCCESS || (name && strcmp(name, way->name)))
            continue;
        way->problem = p;
        way->algorithm = results[i].algo;
        way->workspace_bytes = results[i].workspaceSize;
        way->bare = p->bare;
        ways.push_back(std::move(way));
    }
    return ways;
}
