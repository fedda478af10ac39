/**
 * The backend for GPUs: kernels in Java that TornadoVM compiles for OpenCL or CUDA. The only
 * package that imports TornadoVM, in a module of its own that is built where TornadoVM's SDK is.
 */
package dev.weft.kernels.backend.tornado;
