;; The loops that a scan's pixels go through, by SIMD: sums of neighbouring rows, and both passes of a Lanczos resize in 32-bit fixed point.
;; kernel.ts fills the memory and calls them; resize.ts and locate.ts say what for. Reads and writes may reach 16 bytes past the end of what was asked for.
;; A table of a resize has one record an output position: where its source begins (bytes), how many taps it takes, then their weights (i32, 22 bits of
;; fraction).
(module
  (memory (export "memory") 1)

  ;; Bytes of `lines` rows (at most 257), `stride` apart, added up column by column: `stride` sums of 16 bits.
  (func (export "sum")
    (param $source i32) (param $lines i32) (param $stride i32) (param $output i32)
    (local $x i32) (local $at i32) (local $line i32) (local $bytes v128) (local $low v128) (local $high v128)
    (loop $block
      (local.set $at (i32.add (local.get $source) (local.get $x)))
      (local.set $low (i32x4.splat (i32.const 0)))
      (local.set $high (local.get $low))
      (local.set $line (local.get $lines))
      (loop $row
        (local.set $bytes (v128.load (local.get $at)))
        (local.set $low (i16x8.add (local.get $low) (i16x8.extend_low_i8x16_u (local.get $bytes))))
        (local.set $high (i16x8.add (local.get $high) (i16x8.extend_high_i8x16_u (local.get $bytes))))
        (local.set $at (i32.add (local.get $at) (local.get $stride)))
        (local.set $line (i32.sub (local.get $line) (i32.const 1)))
        (br_if $row (local.get $line)))
      (v128.store (local.get $output) (local.get $low))
      (v128.store offset=16 (local.get $output) (local.get $high))
      (local.set $output (i32.add (local.get $output) (i32.const 32)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $block (i32.lt_u (local.get $x) (local.get $stride)))))

  ;; `lines` rows of RGB, `stride` bytes each, to `size` pixels each. A lane is a channel; the fourth is the next pixel's red, and is written over.
  (func (export "across")
    (param $source i32) (param $lines i32) (param $stride i32) (param $table i32) (param $record i32) (param $size i32) (param $output i32)
    (local $out i32) (local $entry i32) (local $at i32) (local $weight i32) (local $end i32) (local $sum v128)
    (loop $line
      (local.set $out (i32.const 0))
      (local.set $entry (local.get $table))
      (loop $pixel
        (local.set $at (i32.add (local.get $source) (i32.load (local.get $entry))))
        (local.set $weight (i32.add (local.get $entry) (i32.const 8)))
        (local.set $end (i32.add (local.get $weight) (i32.shl (i32.load offset=4 (local.get $entry)) (i32.const 2))))
        (local.set $sum (i32x4.splat (i32.const 0x200000)))
        (loop $tap
          (local.set $sum
            (i32x4.add
              (local.get $sum)
              (i32x4.mul
                (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $at))))
                (v128.load32_splat (local.get $weight)))))
          (local.set $at (i32.add (local.get $at) (i32.const 3)))
          (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
          (br_if $tap (i32.lt_u (local.get $weight) (local.get $end))))
        (local.set $sum (i32x4.shr_s (local.get $sum) (i32.const 22)))
        (local.set $sum (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)))
        (v128.store32_lane 0 (local.get $output) (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
        (local.set $output (i32.add (local.get $output) (i32.const 3)))
        (local.set $entry (i32.add (local.get $entry) (local.get $record)))
        (local.set $out (i32.add (local.get $out) (i32.const 1)))
        (br_if $pixel (i32.lt_u (local.get $out) (local.get $size))))
      (local.set $source (i32.add (local.get $source) (local.get $stride)))
      (local.set $lines (i32.sub (local.get $lines) (i32.const 1)))
      (br_if $line (local.get $lines))))

  ;; Columns of rows of `stride` bytes, to `size` rows: 16 neighbouring bytes at a time.
  (func (export "down")
    (param $source i32) (param $stride i32) (param $table i32) (param $record i32) (param $size i32) (param $output i32)
    (local $entry i32) (local $x i32) (local $at i32) (local $weight i32) (local $end i32)
    (local $by v128) (local $low v128) (local $high v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $entry (local.get $table))
    (loop $row
      (local.set $x (i32.const 0))
      (loop $block
        (local.set $at (i32.add (local.get $source) (i32.add (i32.load (local.get $entry)) (local.get $x))))
        (local.set $weight (i32.add (local.get $entry) (i32.const 8)))
        (local.set $end (i32.add (local.get $weight) (i32.shl (i32.load offset=4 (local.get $entry)) (i32.const 2))))
        (local.set $a (i32x4.splat (i32.const 0x200000)))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (loop $tap
          (local.set $by (v128.load32_splat (local.get $weight)))
          (local.set $low (v128.load (local.get $at)))
          (local.set $high (i16x8.extend_high_i8x16_u (local.get $low)))
          (local.set $low (i16x8.extend_low_i8x16_u (local.get $low)))
          (local.set $a (i32x4.add (local.get $a) (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $low)) (local.get $by))))
          (local.set $b (i32x4.add (local.get $b) (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $low)) (local.get $by))))
          (local.set $c (i32x4.add (local.get $c) (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $high)) (local.get $by))))
          (local.set $d (i32x4.add (local.get $d) (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $high)) (local.get $by))))
          (local.set $at (i32.add (local.get $at) (local.get $stride)))
          (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
          (br_if $tap (i32.lt_u (local.get $weight) (local.get $end))))
        (v128.store
          (i32.add (local.get $output) (local.get $x))
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $a) (i32.const 22)) (i32x4.shr_s (local.get $b) (i32.const 22)))
            (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $c) (i32.const 22)) (i32x4.shr_s (local.get $d) (i32.const 22)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br_if $block (i32.lt_u (local.get $x) (local.get $stride))))
      (local.set $output (i32.add (local.get $output) (local.get $stride)))
      (local.set $entry (i32.add (local.get $entry) (local.get $record)))
      (local.set $size (i32.sub (local.get $size) (i32.const 1)))
      (br_if $row (local.get $size)))))
