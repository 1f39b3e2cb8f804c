// Sixteen floats in four registers: what kernels of several kinds compute with. Included inside an anonymous namespace after <arm_neon.h>.

struct Vector {
  float32x4_t part[4];
};

template <class Lanes, class Operation>
inline Lanes each(Operation operation) {
  return {{operation(0), operation(1), operation(2), operation(3)}};
}

inline Vector load(const float* from) {
  return each<Vector>([&](int i) { return vld1q_f32(from + 4 * i); });
}
inline void store(float* to, Vector value) {
  for (int i = 0; i < 4; ++i) vst1q_f32(to + 4 * i, value.part[i]);
}
inline Vector broadcast(float value) {
  return each<Vector>([&](int) { return vdupq_n_f32(value); });
}
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  return each<Vector>([&](int i) { return vfmaq_f32(c.part[i], a.part[i], b.part[i]); });
}
inline Vector add(Vector a, Vector b) {
  return each<Vector>([&](int i) { return vaddq_f32(a.part[i], b.part[i]); });
}
inline Vector subtract(Vector a, Vector b) {
  return each<Vector>([&](int i) { return vsubq_f32(a.part[i], b.part[i]); });
}
inline Vector multiply(Vector a, Vector b) {
  return each<Vector>([&](int i) { return vmulq_f32(a.part[i], b.part[i]); });
}
// Not vminq and vmaxq, which let a NaN through where x86 gives the second operand.
inline Vector minimum(Vector a, Vector b) {
  return each<Vector>([&](int i) { return vbslq_f32(vcltq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]); });
}
inline Vector maximum(Vector a, Vector b) {
  return each<Vector>([&](int i) { return vbslq_f32(vcgtq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]); });
}
inline Vector absolute(Vector a) {
  return each<Vector>([&](int i) { return vabsq_f32(a.part[i]); });
}
