"""What stands in and beside the charts."""

NAMES = {
    "all zeros": "모두 0",
    "zeros": "모두 0",
    "zeros without rounding": "모두 0, 반올림 없이",
    "std 1": "표준편차 1",
    "std 0.01": "표준편차 0.01",
    "orthogonal": "직교",
    "sigmoid": "시그모이드",
    "Momentum": "모멘텀",
    "Nesterov": "네스테로프",
    "SGD, large": "SGD, 크게",
    "SGD, decay": "SGD, 감소",
    "SGD, small": "SGD, 작게",
    "without BatchNorm": "배치 정규화 없음",
    "with BatchNorm": "배치 정규화 있음",
    "without BatchNorm, w {}": "배치 정규화 없음, w {}",
    "with BatchNorm, w {}": "배치 정규화 있음, w {}",
    "Momentum, lr {}": "모멘텀, lr {}",
    "Nesterov, lr {}": "네스테로프, lr {}",
    "sigmoid, std {}": "시그모이드, 표준편차 {}",
    "sigmoid, Xavier √({}/n)": "시그모이드, Xavier √({}/n)",
    "sigmoid, He √({}/n)": "시그모이드, He √({}/n)",
    "sigmoid, orthogonal": "시그모이드, 직교",
    "sigmoid, LSUV": "시그모이드, LSUV",
    "tanh, std {}": "tanh, 표준편차 {}",
    "tanh, orthogonal": "tanh, 직교",
    "ReLU, std {}": "ReLU, 표준편차 {}",
    "ReLU, orthogonal": "ReLU, 직교",
    "layer {}": "{}층",
    "minimum": "최솟값",
    "goal": "목표",
    "ratio": "비율",
}

AXES = {
    "iteration": "반복",
    "epoch": "에폭",
    "layer": "층",
    "step": "스텝",
    "share": "비율",
    "mean": "평균",
    "std": "표준편차",
    "near an end": "양 끝 부근",
    "accuracy": "정확도",
    "scale w": "표준편차 w",
    "training loss (mean of {} batches)": "훈련 손실 (배치 {}개 평균)",
    "accuracy on test images": "시험 이미지 정확도",
    "accuracy on training images": "훈련 이미지 정확도",
    "accuracy after the last epoch": "마지막 에폭 뒤의 정확도",
    "difference of the hidden units ({} is drawn at {})": "은닉층 뉴런의 차이 ({}은 {}에 그린다)",
    "std before the activation": "활성화 전의 표준편차",
    "best learning rate": "최적 학습률",
    "lowest loss": "가장 낮은 손실",
    "contours and −∇f": "등고선과 −∇f",
    "degrees off the minimum": "최솟값 방향에서 벗어난 각도",
    "distance, relative": "거리 (상대)",
    "ours ÷ the other's": "우리 것 ÷ 상대",
    "activation, weights": "활성화 함수, 가중치",
    "{run}, {side}": "{run}, {side}",
    "{run} ({side})": "{run} ({side})",
    "{metric}, layer {layer}": "{metric}, {layer}층",
    "x, y": "x, y",
    "f": "f",
}

TITLES = {
    "f(x, y) = x²/20 + y², and where −∇f points": "f(x, y) = x²/20 + y²와 −∇f가 가리키는 곳",
    "The paths from (−7, 2) down f(x, y) = x²/20 + y²": (
        "(−7, 2)에서 f(x, y) = x²/20 + y²를 내려가는 경로"
    ),
    "Training loss": "훈련 손실",
    "Accuracy on test images": "시험 이미지 정확도",
    "Accuracy on training images": "훈련 이미지 정확도",
    "How different the units are": "뉴런이 서로 다른 정도",
    "The activations of every layer": "층별 활성화값 분포",
    "What the layers make of the standard deviation": "층을 지나며 달라지는 표준편차",
    "The last epoch's accuracy over the scale of the initial weights": (
        "가중치 초깃값의 표준편차에 따른 마지막 에폭의 정확도"
    ),
    "Accuracy on training images, for weights from N(0, w²)": (
        "N(0, w²)에서 뽑은 가중치의 훈련 이미지 정확도"
    ),
    "The best learning rates, a point for each architecture ({side})": (
        "최적 학습률, 점 하나가 신경망 구조 하나 ({side})"
    ),
    "A network on MNIST from one start: how far apart its parameters come": (
        "같은 초깃값에서 MNIST를 학습하는 신경망: 매개변수가 얼마나 멀어지는가"
    ),
}

FINDINGS = {
    "The arrows point at the line y = 0 and not at the minimum: on average {angle}° off.": (
        "화살표는 최솟값이 아니라 직선 y = 0을 가리킨다: 평균 {angle}° 벗어난다."
    ),
    "After the last step f is lowest with {low} ({at_low}), highest with {high} ({at_high}).": (
        "마지막 갱신 뒤 f는 {low}에서 가장 낮고({at_low}) {high}에서 가장 높다({at_high})."
    ),
    "In the end the training loss is lowest with {low} ({at_low}), highest with {high} "
    "({at_high}).": (
        "마지막 훈련 손실은 {low}에서 가장 낮고({at_low}) {high}에서 가장 높다({at_high})."
    ),
    "In the end the accuracy is lowest with {low} ({at_low}), highest with {high} ({at_high}).": (
        "마지막 정확도는 {low}에서 가장 낮고({at_low}) {high}에서 가장 높다({at_high})."
    ),
    "With {side} the zeros' units have not parted.": (
        "{side}에서는 0에서 시작한 뉴런이 갈라지지 않았다."
    ),
    "With {side} the zeros' units have parted at iteration {at}.": (
        "{side}에서는 0에서 시작한 뉴런이 {at}번째 반복에서 갈라져 있다."
    ),
    "How soon depends on the library, the processor and the number of units; without rounding "
    "they differ by {exact}.": (
        "얼마나 빨리 갈라지는지는 라이브러리와 프로세서, 뉴런의 수에 따라 다르다. 반올림이 없으면 "
        "차이는 {exact}이다."
    ),
    "ReLU: before the last activation the std is smallest with {low} ({at_low}), largest with "
    "{high} ({at_high}).": (
        "ReLU: 마지막 활성화 전의 표준편차는 {low}에서 가장 작고({at_low}) {high}에서 가장 "
        "크다({at_high})."
    ),
    "With std 1 sigmoid's values lie at 0 and 1, with 0.01 in the middle; with Xavier's weights "
    "they spread. For ReLU the bar at 0 is cut off, and what is above 1 is not shown.": (
        "표준편차 1이면 시그모이드의 값이 0과 1에 몰리고, 0.01이면 가운데에 몰리며, Xavier "
        "초깃값이면 넓게 퍼진다. ReLU에서는 0의 막대를 자르고, 1을 넘는 값은 그리지 않는다."
    ),
    "After the last epoch the accuracy is at least 80 % in {plain} of {count} scales without "
    "BatchNorm, in {normalized} with it. Where a curve is missing, the training diverges.": (
        "마지막 에폭 뒤 정확도가 80 % 이상인 경우는 표준편차 {count}가지 가운데 배치 정규화가 없을 "
        "때 {plain}가지, 있을 때 {normalized}가지다. 곡선이 없는 곳에서는 학습이 발산한다."
    ),
    "Over all architectures the lowest loss is {optimizer}'s, {loss} at a learning rate of {lr}. "
    "The bars show the rates that are within 10 % of the best.": (
        "모든 구조를 통틀어 손실은 {optimizer}에서 가장 낮다(학습률 {lr}에서 {loss}). 막대는 "
        "최적의 10 % 이내인 학습률을 나타낸다."
    ),
    "A training in float32 ends up to {own} away from itself in float64, and {beside} away from "
    "torch's in float32: rounding moves it no farther than the choice of float32 does.": (
        "float32 학습은 같은 학습의 float64에서 최대 {own}, torch의 float32에서 {beside}만큼 "
        "멀어진다: 반올림의 차이는 float32를 고른 것보다 멀리 데려가지 않는다."
    ),
    "A training in float32 ends up to {own} away from itself in float64, and {beside} away from "
    "torch's in float32.": (
        "float32 학습은 같은 학습의 float64에서 최대 {own}, torch의 float32에서 {beside}만큼 "
        "멀어진다."
    ),
    "{faster} of {count} are faster than what they are compared with; the best ratio is {best}, "
    "the worst {worst}.": (
        "{count}개 가운데 {faster}개가 비교 대상보다 빠르다; 가장 좋은 비율은 {best}, 가장 나쁜 "
        "비율은 {worst}."
    ),
}

TABLES = {
    "optimizer": "최적화 기법",
    "best rate over all architectures": "모든 구조에서의 최적 학습률",
    "within 10 % of it": "그 10 % 이내",
    "loss there": "그때의 손실",
    "best rates by architecture": "구조별 최적 학습률",
    "diverged": "발산",
    "diverges": "발산",
    "optimizer, what is compared": "최적화 기법, 비교 대상",
    "after the first step": "첫 스텝 뒤",
    "in the end": "마지막",
    "what ÷ against": "대상 ÷ 비교 대상",
    "what": "대상",
    "of": "기준",
    "value": "값",
    "quartiles": "사분위수",
    "≤ {goal}: ✓ reached": "≤ {goal}: ✓ 달성",
    "≤ {goal}: ✗ not reached": "≤ {goal}: ✗ 미달",
}

CHARTS: dict[str, str] = {**NAMES, **AXES, **TITLES, **FINDINGS, **TABLES}
