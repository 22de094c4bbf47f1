// Error and gamma functions in float64. The polynomials are Chebyshev fits, made with 60 digits:
// erf(x)/x - 1; erfc(x) e^(x^2) (1 + 2x) in (x - 3) / (x + 3), after Schonfelder (1978); log gamma near
// its zeros 1 and 2; digamma over its distance from its zero. Far out, Stirling's series.

import {
  copySign,
  div,
  f64,
  fastTwoSum,
  inf,
  isNegative,
  lt,
  nan,
  type Pair,
  pairProduct,
  poly,
  twoProduct,
  twoSum,
} from './double.ts';
import { add, bin, type Expr, mul, sel, sub, un } from './expr.ts';
import { expTimes, log, logPair } from './math64.ts';
import { absSinPi, cotPi } from './trig64.ts';

const ERF = [
  0.1283791670955126, -0.37612638903183754, 0.1128379167095512, -0.02686617064512984, 0.0052239776254232985,
  -0.000854832702193483, 0.00012055332902888736, -1.4925647567519332e-5, 1.6462045441468418e-6, -1.6364642158167616e-7,
  1.4792401209404813e-8, -1.216456005728345e-9, 8.709045129053106e-11, -4.230945824295338e-12,
];
/** erf of -1 to 1. */
const erfNear = (x: Expr): Expr => add(x, mul(x, poly(mul(x, x), ERF)));

const ERFC = [
  1.2530080582697296, -0.1356211061245812, -0.047562294353451176, 0.12964515870276397, -0.1192736634152754,
  0.06830802734385681, -0.02377051491960952, 0.0025293918182127816, 0.0018886903726146294, -0.0007798322945107705,
  -0.00010515990298771089, 0.0001250995042238072, 4.949956945761098e-6, -2.010126378463004e-5, -7.328307002418314e-7,
  3.4745846128523814e-6, 3.5900188708545566e-7, -6.211741712587419e-7, -1.4324034589200596e-7, 1.078880701472726e-7,
  4.1367990839283595e-8, -1.7932947990627186e-8, -6.795035322911804e-9, 2.530478256290314e-9,
];
/** erfc of 1/2 and more. */
function erfcFar(a: Expr): Expr {
  const x = bin('pmin', a, f64(28));
  const t = div(sub(x, f64(3)), add(x, f64(3)));
  const square = twoProduct(x, x);
  const factor = div(poly(t, ERFC), add(f64(1), add(x, x)));
  return expTimes(un('neg', square.h), un('neg', square.l), factor);
}
export function erf(x: Expr): Expr {
  const a = un('abs', x);
  return copySign(sel(lt(a, f64(1)), erfNear(a), sub(f64(1), erfcFar(a))), x);
}
export function erfc(x: Expr): Expr {
  const far = erfcFar(un('abs', x));
  const below = sel(lt(x, f64(-1)), sub(f64(2), far), sub(f64(1), erfNear(x)));
  return sel(lt(x, f64(0.5)), below, far);
}

/** lgamma(1 + t) / t for t from -1/2 to 1/2, and lgamma(2 + t) / t. */
const LGAMMA_1 = [
  -0.5772156649015329, 0.8224670334241132, -0.4006856343865406, 0.2705808084277935, -0.2073855510262953,
  0.16955717699509998, -0.14404989701106719, 0.1255096697597847, -0.1113342530365414, 0.10009944506030896,
  -0.09095442301348973, 0.08335423437020126, -0.07692423568567124, 0.07142491150665906, -0.06678275881746833,
  0.0626116167474043, -0.057737256640806416, 0.054501409023364235, -0.059850048562680856, 0.057003000096539545,
  -0.014509338086091672, 0.01333577663873192, -0.14497971020532596, 0.14011729595820724, 0.1528715168258553,
  -0.14857260899606312, -0.22471180158915516, 0.21762817640022097,
];
const LGAMMA_2 = [
  0.42278433509846713, 0.32246703342411326, -0.0673523010531981, 0.02058080842778038, -0.0073855510286719986,
  0.002890510331034267, -0.0011927539118428156, 0.0005096695154115458, -0.00022315475400520507, 9.945767355819498e-5,
  -4.49263133791557e-5, 2.0505590755833454e-5, -9.438715099211532e-6, 4.38470440459836e-6, -2.0439048107029907e-6,
  9.200527894968101e-7, -4.3252393445604814e-7, 2.78740805211359e-7, -1.3219945666117874e-7,
];
/** Stirling's series in 1/x^2: B(2k) / (2k (2k - 1)). */
const STIRLING = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360360,
  1 / 156,
  -3617 / 122400,
  43867 / 244188,
];
const HALF_LOG_2PI = 0.9189385332046728;

/** From 8 on: (x - 1/2) (log x - 1) + log(2 pi) / 2 - 1/2 + …, the product in two doubles. */
function stirling(a: Expr): Expr {
  const l = logPair(a);
  const less = twoSum(l.h, f64(-1));
  const factor: Pair = fastTwoSum(a, f64(-0.5));
  const p = pairProduct(factor, fastTwoSum(less.h, add(less.l, l.l)));
  const w = div(f64(1), a);
  const series = mul(w, poly(mul(w, w), STIRLING));
  return add(p.h, add(p.l, add(f64(HALF_LOG_2PI - 0.5), series)));
}

/** From 0 to 8: near 1 and 2 by polynomials, beyond by lgamma(a) = log(a - 1) + lgamma(a - 1). */
function lgammaSmall(a: Expr): Expr {
  let y = a;
  let product: Expr = f64(1);
  for (let k = 0; k < 6; k++) {
    const large = bin('ge', y, f64(2.5));
    y = sel(large, sub(y, f64(1)), y);
    product = sel(large, mul(product, y), product);
  }
  const tiny = lt(a, f64(0.5));
  const first = sel(tiny, a, sub(y, f64(1)));
  const near1 = mul(first, poly(first, LGAMMA_1));
  const second = sub(y, f64(2));
  const near2 = mul(second, poly(second, LGAMMA_2));
  const base = sel(lt(y, f64(1.5)), near1, near2);
  const l = log(sel(tiny, a, product));
  return add(base, sel(tiny, un('neg', l), l));
}

/** log |gamma(x)|; infinite at 0 and the negative integers. */
export function lgamma(x: Expr): Expr {
  const a = un('abs', x);
  const usual = bin('and', bin('ge', a, f64(8)), lt(a, f64(2.5e305)));
  const positive = sel(
    lt(a, f64(8)),
    lgammaSmall(bin('pmin', a, f64(8))),
    sel(usual, stirling(sel(usual, a, f64(8))), inf),
  );
  // gamma(-a) gamma(a) = -pi / (a sin pi a)
  const s = mul(a, absSinPi(a));
  const reflected = sub(log(div(f64(Math.PI), s)), positive);
  const tiny = lt(a, f64(2 ** -60));
  const v = sel(isNegative(x), sel(tiny, positive, sel(bin('eq', s, f64(0)), inf, reflected)), positive);
  return sel(bin('eq', a, inf), inf, sel(bin('eq', x, x), v, nan));
}

/** digamma(1.5 + u) over its distance from the zero, for u from -1/2 to 1/2. */
const PSI = [
  0.9510558760318328, -0.42362742128146047, 0.2405424842407869, -0.1484049230539173, 0.09498872445291809,
  -0.061922133271715786, 0.04076083393802805, -0.02697579683987635, 0.01790724845122512, -0.011908215342754594,
  0.007927018244615596, -0.005280013938669931, 0.0035181642624636934, -0.0023447062072326453, 0.001562767047702334,
  -0.0010417276046921164, 0.0006950534878525842, -0.0004633503182120855, 0.0003055153691686416, -0.00020367393027292597,
  0.00014829551214596122, -9.886319672191785e-5, 3.6004820592182e-5, -2.4003140242172778e-5, 5.760733165650469e-5,
  -3.8404871886247865e-5,
];
const PSI_ZERO = 1.4616321449683622;
const PSI_ZERO_LO = 9.549995429965697e-17;
/** B(2k) / 2k. */
const PSI_FAR = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160, 43867 / 14364];

function digammaSmall(a: Expr): Expr {
  const below = lt(a, f64(1));
  let y = sel(below, add(a, f64(1)), a);
  let sum: Expr = sel(below, un('neg', div(f64(1), a)), f64(0));
  for (let k = 0; k < 8; k++) {
    const large = bin('ge', y, f64(2));
    y = sel(large, sub(y, f64(1)), y);
    sum = sel(large, add(sum, div(f64(1), y)), sum);
  }
  const distance = sub(sub(y, f64(PSI_ZERO)), f64(PSI_ZERO_LO));
  return add(mul(distance, poly(sub(y, f64(1.5)), PSI)), sum);
}
function digammaFar(a: Expr): Expr {
  const w = div(f64(1), a);
  const z = mul(w, w);
  return sub(log(a), add(mul(w, f64(0.5)), mul(z, poly(z, PSI_FAR))));
}

/** The logarithmic derivative of gamma; NaN at the negative integers, infinite at 0. */
export function digamma(x: Expr): Expr {
  const a = un('abs', x);
  const far = bin('ge', a, f64(10));
  const positive = sel(far, digammaFar(a), digammaSmall(bin('pmin', a, f64(10))));
  // digamma(-a) = digamma(a) + 1/a + pi cot(pi a)
  const cot = cotPi(a);
  const negative = add(positive, add(div(f64(1), a), mul(f64(Math.PI), cot)));
  const v = sel(lt(x, f64(0)), sel(lt(un('abs', cot), inf), negative, nan), positive);
  return sel(bin('eq', x, f64(0)), un('neg', div(f64(1), x)), v);
}
