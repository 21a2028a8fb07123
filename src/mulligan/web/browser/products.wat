;; out = a b, for float32 arrays of NumPy, inside Pyodide's own memory: what BLAS does elsewhere.
;;
;;   npx --package wabt@1.0.39 wat2wasm products.wat -o products.wasm
;;
;; docs/decisions/0022-products-in-the-browser.md says why 2 rows by 16 columns, why `b` is copied, and why no code is needed
;; for rows and columns that are left over.
(module
  (import "env" "memory" (memory 1))

  ;; $multiply: out (M, N) = a (M, K) b (K, N), in any layout of a and b; each is the address of an ndarray. `panel` is
  ;; an array of at least 16 K numbers to work in. Returns 1, or 0 where NumPy must do it: another dtype than `panel`'s,
  ;; fewer than 16 columns, nothing to add up, or an `out` whose columns are not neighbours.
  ;;
  ;; An ndarray on a machine of 32 bits, by NumPy's C header: data at 8, shape at 16, strides at 20, dtype at 28.
  (func $multiply (export "multiply") (param $a i32) (param $b i32) (param $out i32) (param $panel i32) (result i32)
    (local $M i32) (local $K i32) (local $N i32)      ;; sizes
    (local $a_down i32) (local $a_along i32)          ;; bytes from a row to the next, and from a column to the next
    (local $b_down i32) (local $b_along i32)
    (local $out_down i32)
    (local $row i32) (local $column i32) (local $next i32)
    (if (i32.or
          (i32.or (i32.ne (i32.load offset=28 (local.get $a)) (i32.load offset=28 (local.get $panel)))
                  (i32.ne (i32.load offset=28 (local.get $b)) (i32.load offset=28 (local.get $panel))))
          (i32.ne (i32.load offset=28 (local.get $out)) (i32.load offset=28 (local.get $panel))))
      (then (return (i32.const 0))))
    (local.set $M (i32.load          (i32.load offset=16 (local.get $a))))
    (local.set $K (i32.load offset=4 (i32.load offset=16 (local.get $a))))
    (local.set $N (i32.load offset=4 (i32.load offset=16 (local.get $b))))
    (if (i32.or
          (i32.or (i32.eqz (local.get $M)) (i32.eqz (local.get $K)))
          (i32.or (i32.lt_u (local.get $N) (i32.const 16))
                  (i32.ne (i32.load offset=4 (i32.load offset=20 (local.get $out))) (i32.const 4))))
      (then (return (i32.const 0))))
    (local.set $a_down   (i32.load          (i32.load offset=20 (local.get $a))))
    (local.set $a_along  (i32.load offset=4 (i32.load offset=20 (local.get $a))))
    (local.set $b_down   (i32.load          (i32.load offset=20 (local.get $b))))
    (local.set $b_along  (i32.load offset=4 (i32.load offset=20 (local.get $b))))
    (local.set $out_down (i32.load          (i32.load offset=20 (local.get $out))))
    (local.set $a     (i32.load offset=8 (local.get $a)))
    (local.set $b     (i32.load offset=8 (local.get $b)))
    (local.set $out   (i32.load offset=8 (local.get $out)))
    (local.set $panel (i32.load offset=8 (local.get $panel)))
    (loop $columns                                    ;; 16 at a time
      (call $copy
        (i32.add (local.get $b) (i32.mul (local.get $column) (local.get $b_along)))
        (local.get $b_down) (local.get $b_along) (local.get $K) (local.get $panel))
      (local.set $row (i32.const 0))
      (loop $rows                                     ;; 2 at a time; an odd last row stands in for both
        (local.set $next
          (select (local.get $row) (i32.add (local.get $row) (i32.const 1))
                  (i32.eq (i32.add (local.get $row) (i32.const 1)) (local.get $M))))
        (call $tile
          (i32.add (local.get $a) (i32.mul (local.get $row) (local.get $a_down)))
          (i32.add (local.get $a) (i32.mul (local.get $next) (local.get $a_down)))
          (local.get $a_along) (local.get $K) (local.get $panel)
          (i32.add (i32.add (local.get $out) (i32.mul (local.get $row) (local.get $out_down)))
                   (i32.shl (local.get $column) (i32.const 2)))
          (i32.add (i32.add (local.get $out) (i32.mul (local.get $next) (local.get $out_down)))
                   (i32.shl (local.get $column) (i32.const 2))))
        (local.set $row (i32.add (local.get $row) (i32.const 2)))
        (br_if $rows (i32.lt_u (local.get $row) (local.get $M))))
      ;; the last 16 columns begin at N − 16, though some of them may be done already
      (local.set $next (i32.add (local.get $column) (i32.const 16)))
      (if (i32.lt_u (local.get $next) (local.get $N))
        (then
          (local.set $column
            (select (local.get $next) (i32.sub (local.get $N) (i32.const 16))
                    (i32.le_u (i32.add (local.get $next) (i32.const 16)) (local.get $N))))
          (br $columns))))
    (i32.const 1))

  ;; $copy: panel (K, 16) = 16 columns of b, one row of 64 bytes after the other.
  (func $copy (param $b i32) (param $down i32) (param $along i32) (param $K i32) (param $panel i32)
    (local $k i32) (local $from i32) (local $to i32) (local $last i32)
    (if (i32.eq (local.get $along) (i32.const 4))
      (then                                           ;; columns are neighbours: 4 registers a row
        (loop $rows
          (v128.store           (local.get $panel) (v128.load           (local.get $b)))
          (v128.store offset=16 (local.get $panel) (v128.load offset=16 (local.get $b)))
          (v128.store offset=32 (local.get $panel) (v128.load offset=32 (local.get $b)))
          (v128.store offset=48 (local.get $panel) (v128.load offset=48 (local.get $b)))
          (local.set $b (i32.add (local.get $b) (local.get $down)))
          (local.set $panel (i32.add (local.get $panel) (i32.const 64)))
          (br_if $rows (local.tee $K (i32.sub (local.get $K) (i32.const 1)))))
        (return)))
    (local.set $last (i32.add (local.get $panel) (i32.const 64)))
    (loop $columns                                    ;; b is a transpose: one number after the other, down each column
      (local.set $from (local.get $b))
      (local.set $to (local.get $panel))
      (local.set $k (local.get $K))
      (loop $rows
        (f32.store (local.get $to) (f32.load (local.get $from)))
        (local.set $from (i32.add (local.get $from) (local.get $down)))
        (local.set $to (i32.add (local.get $to) (i32.const 64)))
        (br_if $rows (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
      (local.set $b (i32.add (local.get $b) (local.get $along)))
      (local.set $panel (i32.add (local.get $panel) (i32.const 4)))
      (br_if $columns (i32.lt_u (local.get $panel) (local.get $last)))))

  ;; $tile: 2 rows of out, 16 columns wide. For every k: out[i, :] += a[i, k] · panel[k, :], all in registers.
  (func $tile (param $a0 i32) (param $a1 i32) (param $along i32) (param $K i32) (param $panel i32)
              (param $out0 i32) (param $out1 i32)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)  ;; sums of the first row
    (local $t0 v128) (local $t1 v128) (local $t2 v128) (local $t3 v128)  ;; of the second
    (local $b0 v128) (local $b1 v128) (local $b2 v128) (local $b3 v128)  ;; panel[k, :]
    (local $x v128)                                                      ;; a[i, k], four times
    (loop $terms
      (local.set $b0 (v128.load           (local.get $panel)))
      (local.set $b1 (v128.load offset=16 (local.get $panel)))
      (local.set $b2 (v128.load offset=32 (local.get $panel)))
      (local.set $b3 (v128.load offset=48 (local.get $panel)))
      (local.set $x (v128.load32_splat (local.get $a0)))
      (local.set $s0 (f32x4.add (local.get $s0) (f32x4.mul (local.get $x) (local.get $b0))))
      (local.set $s1 (f32x4.add (local.get $s1) (f32x4.mul (local.get $x) (local.get $b1))))
      (local.set $s2 (f32x4.add (local.get $s2) (f32x4.mul (local.get $x) (local.get $b2))))
      (local.set $s3 (f32x4.add (local.get $s3) (f32x4.mul (local.get $x) (local.get $b3))))
      (local.set $x (v128.load32_splat (local.get $a1)))
      (local.set $t0 (f32x4.add (local.get $t0) (f32x4.mul (local.get $x) (local.get $b0))))
      (local.set $t1 (f32x4.add (local.get $t1) (f32x4.mul (local.get $x) (local.get $b1))))
      (local.set $t2 (f32x4.add (local.get $t2) (f32x4.mul (local.get $x) (local.get $b2))))
      (local.set $t3 (f32x4.add (local.get $t3) (f32x4.mul (local.get $x) (local.get $b3))))
      (local.set $a0 (i32.add (local.get $a0) (local.get $along)))
      (local.set $a1 (i32.add (local.get $a1) (local.get $along)))
      (local.set $panel (i32.add (local.get $panel) (i32.const 64)))
      (br_if $terms (local.tee $K (i32.sub (local.get $K) (i32.const 1)))))
    (v128.store           (local.get $out0) (local.get $s0))
    (v128.store offset=16 (local.get $out0) (local.get $s1))
    (v128.store offset=32 (local.get $out0) (local.get $s2))
    (v128.store offset=48 (local.get $out0) (local.get $s3))
    (v128.store           (local.get $out1) (local.get $t0))
    (v128.store offset=16 (local.get $out1) (local.get $t1))
    (v128.store offset=32 (local.get $out1) (local.get $t2))
    (v128.store offset=48 (local.get $out1) (local.get $t3)))
)
