"""Titles, claims and measurements of the experiments."""

TITLES = {
    "the bowl x²/20 + y²: the gradient does not point at the minimum": (
        "비등방성 함수 x²/20 + y²: 기울기는 최솟값을 가리키지 않는다"
    ),
    "the way each optimizer takes down the bowl": "최적화 기법별 갱신 경로",
    "learning rate decay: large steps first, small ones later": (
        "학습률 감소: 처음에는 크게, 나중에는 작게"
    ),
    "the optimizers on MNIST: who learns fastest": (
        "MNIST로 본 갱신 방법 비교: 무엇이 가장 빨리 학습하는가"
    ),
    "weights that start at zero: equal units, until rounding tells them apart": (
        "가중치 초깃값이 0이면: 반올림 오차가 갈라놓기 전까지 뉴런이 모두 같다"
    ),
    "what flows through five layers, from six kinds of weights": (
        "여섯 가지 초깃값으로 다섯 층을 흐르는 활성화값의 분포"
    ),
    "the initializers on MNIST: whether it learns at all": (
        "MNIST로 본 가중치 초깃값 비교: 학습이 되기는 하는가"
    ),
    "training with and without batch normalization": "배치 정규화를 쓸 때와 쓰지 않을 때의 학습",
    "batch normalization over sixteen scales of the initial weights": (
        "가중치 초깃값의 표준편차 열여섯 가지와 배치 정규화"
    ),
    "Which learning rate: the best one for each optimizer and architecture": (
        "어떤 학습률인가: 최적화 기법과 신경망 구조별 최적값"
    ),
}

CLAIMS = {
    "in most places the gradient does not point at the minimum: it is more than 30° off": (
        "대부분의 지점에서 기울기는 최솟값을 가리키지 않는다: 30° 넘게 벗어난다"
    ),
    "SGD zigzags: it turns in y at least 25 times in 30 steps": (
        "SGD는 지그재그로 움직인다: 30번 갱신하는 동안 y 방향을 25번 이상 바꾼다"
    ),
    "Momentum zigzags less: it turns less than half as often": (
        "모멘텀은 지그재그가 덜하다: 방향 전환이 SGD의 절반보다 적다"
    ),
    "AdaGrad goes most directly: it gets down to 1 % of f on the shortest path of four": (
        "AdaGrad가 가장 곧게 간다: 네 기법 가운데 가장 짧은 경로로 f의 1 %까지 내려간다"
    ),
    "Adam sways less in y than Momentum": "Adam은 모멘텀보다 y 방향으로 덜 흔들린다",
    "a rate that is too small takes long: the one that decay ends with, from the start, ends at a "
    "higher loss than decay": (
        "학습률이 너무 작으면 학습이 오래 걸린다: 감소가 끝날 때의 학습률을 처음부터 쓰면 "
        "감소시킬 때보다 손실이 높게 끝난다"
    ),
    "one that is too large does not learn well: the one that decay starts from, to the end, ends "
    "at a higher loss than decay": (
        "너무 크면 학습이 제대로 되지 않는다: 감소를 시작할 때의 학습률을 끝까지 쓰면 감소시킬 "
        "때보다 손실이 높게 끝난다"
    ),
    "small steps at last are quiet: in the last quarter the test accuracy's standard deviation is "
    "less than half of that with the large rate": (
        "마지막의 작은 걸음은 조용하다: 마지막 4분의 1 구간에서 시험 정확도의 표준편차가 큰 "
        "학습률을 쓸 때의 절반보다 작다"
    ),
    "AdaGrad, with a decay of its own for each weight, goes further: its loss ends lower than that "
    "of SGD with decay": (
        "가중치마다 학습률을 따로 줄이는 AdaGrad는 더 나아간다: 학습률을 감소시킨 SGD보다 손실이 "
        "낮게 끝난다"
    ),
    "SGD learns most slowly: its loss is the highest in the end": (
        "SGD의 학습 진도가 가장 느리다: 마지막 손실이 가장 높다"
    ),
    "the other three learn alike: they differ by a smaller factor than the slowest of them from "
    "SGD": "나머지 셋의 진도는 비슷하다: 셋 사이의 차이는 그중 가장 느린 것과 SGD의 차이보다 작다",
    "AdaGrad is a little faster than the other two: its mean loss is the lowest": (
        "AdaGrad가 다른 둘보다 조금 더 빠르다: 평균 손실이 가장 낮다"
    ),
    "the other three end at a higher test accuracy than SGD": (
        "나머지 셋은 SGD보다 시험 정확도가 높게 끝난다"
    ),
    "from zeros, the units of a layer get the same gradients: without rounding they stay equal "
    "to the last bit": (
        "0에서 시작하면 한 층의 뉴런은 모두 같은 기울기를 받는다: 반올림이 없으면 마지막 비트까지 "
        "계속 같다"
    ),
    "from random weights they differ by over a tenth of the largest weight": (
        "무작위 가중치에서 시작하면 가장 큰 가중치의 10분의 1 넘게 서로 다르다"
    ),
    "equal units are worth one: the loss stays over twice as high": (
        "똑같은 뉴런은 하나나 마찬가지다: 손실이 두 배 넘게 높은 채로 남는다"
    ),
    "sigmoid, std 1: over half of every layer's activations are within 0.05 of 0 or 1": (
        "시그모이드, 표준편차 1: 모든 층에서 활성화값의 절반 이상이 0이나 1에서 0.05 이내에 있다"
    ),
    "sigmoid, std 0.01: all are near 0.5, with a std below 0.05": (
        "시그모이드, 표준편차 0.01: 모두 0.5 부근에 몰려 있고 표준편차가 0.05보다 작다"
    ),
    "sigmoid, Xavier: over 3 times as spread as with 0.01, and under 10 % within 0.05 of an end": (
        "시그모이드, Xavier 초깃값: 0.01일 때보다 3배 넘게 퍼져 있고, 양 끝에서 0.05 이내인 값이 "
        "10 % 미만이다"
    ),
    "tanh, Xavier: the mean stays within 0.05 of 0, and more spread than sigmoid": (
        "tanh, Xavier 초깃값: 평균이 0에서 0.05 이내에 머물고 시그모이드보다 넓게 퍼진다"
    ),
    "ReLU, std 0.01: almost nothing arrives, with a std below 0.001": (
        "ReLU, 표준편차 0.01: 거의 아무것도 도달하지 않고 표준편차가 0.001보다 작다"
    ),
    "ReLU, Xavier: the std shrinks to less than half in 5 layers": (
        "ReLU, Xavier 초깃값: 표준편차가 5층을 지나는 동안 절반 아래로 줄어든다"
    ),
    "ReLU, He: the std stays within a factor of 2": (
        "ReLU, He 초깃값: 표준편차가 2배 이내에서 유지된다"
    ),
    "LSUV: the std before every activation of all three is within 5 % of 1, on rows that it has "
    "not seen": (
        "LSUV: 보지 않은 데이터에서도 세 활성화 함수 모두 활성화 전의 표준편차가 1에서 5 % 이내다"
    ),
    "every other kind of weights leaves 1 by more than 5 % in some layer, for some activation": (
        "다른 초깃값은 모두 어떤 활성화 함수의 어떤 층에서 1에서 5 % 넘게 벗어난다"
    ),
    "with std 0.01 nothing is learned: the loss ends within 1 % of ln 10": (
        "표준편차 0.01이면 학습이 전혀 이뤄지지 않는다: 마지막 손실이 ln 10의 1 % 이내다"
    ),
    "with Xavier and He it learns: the loss ends below 1": (
        "Xavier와 He 초깃값이면 학습이 된다: 마지막 손실이 1보다 작다"
    ),
    "with He it learns faster: its mean loss is lower": (
        "He 초깃값의 학습 진도가 더 빠르다: 평균 손실이 더 낮다"
    ),
    "batch normalization learns faster: its mean accuracy is higher": (
        "배치 정규화를 쓰면 학습이 빠르다: 평균 정확도가 더 높다"
    ),
    "after the last epoch it is ahead": "마지막 에폭이 끝났을 때도 앞선다",
    "in at least 14 of 16 scales it reaches 80 % sooner": (
        "표준편차 16가지 가운데 14가지 이상에서 80 %에 더 빨리 도달한다"
    ),
    "in at least 14 of 16 scales its mean accuracy is higher": (
        "표준편차 16가지 가운데 14가지 이상에서 평균 정확도가 더 높다"
    ),
    "without it some scales learn nothing: they end below 20 %": (
        "배치 정규화가 없으면 전혀 학습하지 못하는 경우가 있다: 20 % 아래에서 끝난다"
    ),
    "with it the scale matters little: the final accuracies spread less than half as much": (
        "배치 정규화가 있으면 초깃값에 크게 의존하지 않는다: 최종 정확도의 흩어짐이 절반보다 작다"
    ),
}

MEASURED = {
    "{}% of the plane is more than {}° off": "평면의 {}%가 {}° 넘게 벗어난다",
    "{} turns": "방향 전환 {}번",
    "turns: SGD {}, Momentum {}": "방향 전환: SGD {}번, 모멘텀 {}번",
    "path lengths: SGD {}, Momentum {}, AdaGrad {}, Adam {}; AdaGrad ends at {} of the first f": (
        "경로 길이: SGD {}, 모멘텀 {}, AdaGrad {}, Adam {}; AdaGrad는 처음 f의 {}에서 끝난다"
    ),
    "way in y: Momentum {}, Adam {}": "y 방향으로 움직인 거리: 모멘텀 {}, Adam {}",
    "SGD, decay {}, SGD, small {}": "SGD, 감소 {}, SGD, 작게 {}",
    "SGD, decay {}, SGD, large {}": "SGD, 감소 {}, SGD, 크게 {}",
    "SGD, decay {}, AdaGrad {}": "SGD, 감소 {}, AdaGrad {}",
    "standard deviation: SGD, decay {}, SGD, large {}": "표준편차: SGD, 감소 {}, SGD, 크게 {}",
    "SGD {}, Momentum {}, AdaGrad {}, Adam {}": "SGD {}, 모멘텀 {}, AdaGrad {}, Adam {}",
    "Momentum {}, AdaGrad {}, Adam {}": "모멘텀 {}, AdaGrad {}, Adam {}",
    "they differ by {} of the largest weight": "가장 큰 가중치의 {}만큼 서로 다르다",
    "they differ by {} of the largest weight, {}": "가장 큰 가중치 {1}의 {0}만큼 서로 다르다",
    "loss in the end: zeros without rounding {}, std {} {}": (
        "마지막 손실: 모두 0, 반올림 없이 {}, 표준편차 {} {}"
    ),
    "at least {}% in every layer": "모든 층에서 {}% 이상",
    "std at most {}, mean within {} of {}": "표준편차 최대 {0}, 평균은 {2}에서 {1} 이내",
    "std in the last layer: std {} {}, Xavier √({}/n) {}; near an end {}%": (
        "마지막 층의 표준편차: 표준편차 {}일 때 {}, Xavier √({}/n)일 때 {}; 양 끝 부근 {}%"
    ),
    "|mean| at most {}; std in the last layer: sigmoid {}, tanh {}": (
        "|평균| 최대 {}; 마지막 층의 표준편차: 시그모이드 {}, tanh {}"
    ),
    "std in the last layer {}": "마지막 층의 표준편차 {}",
    "std of the last layer / of the first = {}": "마지막 층의 표준편차 / 첫 층의 표준편차 = {}",
    "at most {}% from {}": "{1}에서 최대 {0}%",
    "farthest from {}: std {} {}, std {} {}, Xavier √({}/n) {}, He √({}/n) {}, orthogonal {}": (
        "{}에서 가장 먼 거리: 표준편차 {} {}, 표준편차 {} {}, Xavier √({}/n) {}, He √({}/n) {}, "
        "직교 {}"
    ),
    "loss {}, ln {} = {}": "손실 {}, ln {} = {}",
    "loss in the end: Xavier {}, He {}": "마지막 손실: Xavier {}, He {}",
    "mean loss: Xavier {}, He {}": "평균 손실: Xavier {}, He {}",
    "mean accuracy: without BatchNorm {}, with BatchNorm {}": (
        "평균 정확도: 배치 정규화 없음 {}, 있음 {}"
    ),
    "accuracy in the end: without BatchNorm {}, with BatchNorm {}": (
        "마지막 정확도: 배치 정규화 없음 {}, 있음 {}"
    ),
    "sooner in {} of {} scales; in {} neither gets there": (
        "{1}가지 가운데 {0}가지에서 더 빠르다; {2}가지에서는 둘 다 도달하지 못한다"
    ),
    "ahead in {} of {} scales": "{1}가지 가운데 {0}가지에서 앞선다",
    "{} of {} scales end below {} %": "{1}가지 가운데 {0}가지가 {2} % 아래에서 끝난다",
    "std of the final accuracy: without BatchNorm {}, with BatchNorm {}": (
        "최종 정확도의 표준편차: 배치 정규화 없음 {}, 있음 {}"
    ),
}

CHAPTER: dict[str, str] = {**TITLES, **CLAIMS, **MEASURED}
