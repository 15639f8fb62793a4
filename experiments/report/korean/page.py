"""The page around the charts."""

FRAME = {
    "Skip to the content": "본문으로 건너뛰기",
    "Sections of the page": "이 페이지의 구성",
    "Sections of the chapter": "장의 구성",
    "The chapter": "장의 내용",
    "Path explorer": "경로 탐색기",
    "Activation lab": "활성화값 실험실",
    "Parity": "일치도",
    "Speed": "속도",
    "How to reproduce it": "재현 방법",
    "Dark": "어둡게",
    "Light": "밝게",
    "Play": "재생",
    "Pause": "멈춤",
    "Lockstep: what was measured": "Lockstep: 측정 결과",
    "The learning techniques of chapter 6, by hand and in PyTorch": (
        "6장 학습 관련 기술들, 손으로 짠 것과 PyTorch"
    ),
    "Optimizers, initial weights and batch normalization of Deep Learning from Scratch, written by "
    "hand in NumPy (scratch), kept in lockstep with PyTorch (torch), on real MNIST. Everything "
    "here was measured; a claim that does not hold is reported, never tuned away.": (
        "밑바닥부터 시작하는 딥러닝의 매개변수 갱신, 가중치 초깃값, 배치 정규화를 NumPy로 직접 "
        "구현하고(scratch) PyTorch와(torch) 한 스텝씩 맞춰 가며 실제 MNIST로 실험했다. 여기 있는 "
        "것은 모두 측정한 값이다. 성립하지 않는 주장은 조정하지 않고 그대로 보고한다."
    ),
    "The charts need JavaScript; the tables are here without it.": (
        "차트에는 자바스크립트가 필요하다. 표는 없어도 볼 수 있다."
    ),
    "Lockstep {version}, page made {made}.": "Lockstep {version}, 페이지 생성 {made}.",
    "Whole view": "전체 보기",
    "The numbers as a table": "숫자를 표로 보기",
    "Curves": "곡선",
    "Backends": "백엔드",
}

CLAIMS = {
    "What the chapter says, and what was measured": "책의 주장과 측정 결과",
    "{held} of {count} claims hold in every seed. These do not:": (
        "주장 {count}개 가운데 {held}개가 모든 시드에서 성립한다. 다음은 성립하지 않는다:"
    ),
    "All {count} claims hold in every seed.": "주장 {count}개가 모두 모든 시드에서 성립한다.",
    "the chapter's claim": "책의 주장",
    "measured": "측정값",
    "the numbers": "숫자 보기",
    "holds": "성립",
    "does not hold": "성립하지 않음",
    "holds in {holds} of {of} seeds": "시드 {of}개 중 {holds}개에서 성립",
    "holds in only {holds} of {of} seeds": "시드 {of}개 중 {holds}개에서만 성립",
    "holds in none of {of} seeds": "시드 {of}개 모두에서 성립하지 않음",
    "seed {seed}": "시드 {seed}",
    "to the figure": "그림으로",
    "The settings that made it": "사용한 설정",
    "Lines are means over {count} seeds, bands go from the lowest to the highest seed.": (
        "선은 시드 {count}개의 평균, 띠는 가장 낮은 시드에서 가장 높은 시드까지다."
    ),
    "Quick settings: smaller than the chapter's, for a first look.": (
        "간이 설정: 먼저 훑어보도록 책보다 작게 잡았다."
    ),
    "Not MNIST: these images are {name}.": "MNIST가 아니다: 이 이미지는 {name}이다.",
    "Diverges in some seed: {runs}.": "발산한 시드가 있음: {runs}.",
    "{count} trainings.": "학습 {count}회.",
}

TROUBLE = {
    "nothing to show": "결과 없음",
    "missing": "없음",
    "unreadable": "읽을 수 없음",
    "not measured": "측정하지 않음",
    "There is no result of {name} yet. This makes it:": (
        "{name}의 결과가 아직 없다. 다음 명령으로 만든다:"
    ),
    "The result of {name} is unreadable: {why}. This makes it anew:": (
        "{name}의 결과를 읽을 수 없다: {why}. 다음 명령으로 다시 만든다:"
    ),
    "Its numbers lack what the figure needs. This makes it anew:": (
        "그림에 필요한 숫자가 빠져 있다. 다음 명령으로 다시 만든다:"
    ),
    "{file} is not a file": "{file}이 파일이 아니다",
    "{file} is too large": "{file}이 너무 크다",
    "{file} cannot be read: {error}": "{file}을 읽을 수 없다: {error}",
    "{file} is not JSON: {error}": "{file}이 JSON이 아니다: {error}",
    "{file} has no object in it": "{file}에 객체가 없다",
    "{field} is not what it should be": "{field} 항목이 올바르지 않다",
    "{file} is of another experiment": "{file}이 다른 실험의 것이다",
    "{file} was changed after it was written": "{file}이 기록된 뒤에 바뀌었다",
    "{file} has no curves: {error}": "{file}에 곡선이 없다: {error}",
}

EXPLORER = {
    "Choose optimizers, slide their learning rate and momentum, and play the steps. Every path was "
    "computed by the optimizers of scratch; this page only draws them.": (
        "최적화 기법을 고르고 학습률과 모멘텀을 움직인 다음 스텝을 재생해 보자. 모든 경로는 "
        "scratch의 최적화 기법이 계산한 것이고, 이 페이지는 그리기만 한다."
    ),
    "Surface": "함수",
    "the chapter's bowl": "책의 비등방성 함수",
    "Rosenbrock's valley": "로젠브록의 골짜기",
    "Beale's plain": "빌의 평원",
    "a saddle": "안장",
    "Optimizers": "최적화 기법",
    "learning rate": "학습률",
    "momentum": "모멘텀",
    "steps": "스텝",
    "Suggested rates": "권장 학습률",
    "The paths over the contours; a circle is the start, a cross a minimum.": (
        "등고선 위의 경로. 동그라미는 출발점, 십자는 최솟값이다."
    ),
    "x and y over the steps.": "스텝에 따른 x와 y.",
    "Where each path is after the steps shown": "표시한 스텝 뒤 각 경로의 위치",
    "where": "위치",
    "On the chapter's bowl the sliders start at its own rates; on the other surfaces at the rate, "
    "of those on the slider, that comes lowest in 100 steps. SGD and AdaGrad have nothing like "
    "momentum; for RMSProp it is decay_rate, for Adam beta1.": (
        "책의 함수에서는 슬라이더가 책의 학습률에서 시작하고, 다른 함수에서는 슬라이더에 있는 값 "
        "가운데 100스텝 뒤 가장 낮은 곳에 이르는 학습률에서 시작한다. SGD와 AdaGrad에는 모멘텀에 "
        "해당하는 것이 없고, RMSProp에서는 decay_rate, Adam에서는 beta1이 그 역할을 한다."
    ),
    "in the picture": "그림 안",
    "left the picture at step {step}": "{step}스텝에서 그림을 벗어남",
    "diverges: far away at step {step}": "발산: {step}스텝에서 아주 멀리 있음",
    "{optimizer}: after {step} steps at ({x}, {y}), {state}.": (
        "{optimizer}: {step}스텝 뒤 ({x}, {y}), {state}."
    ),
    "No optimizer is chosen.": "선택한 최적화 기법이 없다.",
}

LAB = {
    "200 rows of N(0, 1) flow up through layers of 100 units, and gradients of N(0, 1), sent in at "
    "the top, flow back. scratch's own layers computed all of it.": (
        "N(0, 1)에서 뽑은 데이터 200개가 뉴런 100개씩인 층을 따라 올라가고, 맨 위에서 넣은 N(0, 1) "
        "기울기가 거꾸로 내려온다. 모두 scratch의 계층이 계산했다."
    ),
    "What flows": "흐르는 것",
    "activations, forwards": "활성화값, 순전파",
    "gradients, back": "기울기, 역전파",
    "Activation": "활성화 함수",
    "Initial weights": "가중치 초깃값",
    "depth": "깊이",
    "The histogram of every layer.": "층별 히스토그램.",
    "useless values": "쓸모없는 값",
    "dead units": "죽은 뉴런",
    "identical units": "똑같은 뉴런",
    "saturated": "포화",
    "zero": "0",
    "vanished": "소실",
    "What arrives at every layer": "각 층에 도달하는 것",
    "layer {layer}": "{layer}층",
    "log₁₀ |gradient|": "log₁₀ |기울기|",
    "In layer {layer} of {depth}: std {std}; {small} {smallShare}, dead units {dead}, identical "
    "units {identical}.": (
        "{depth}층 가운데 {layer}층: 표준편차 {std}; {small} {smallShare}, 죽은 뉴런 {dead}, "
        "똑같은 뉴런 {identical}."
    ),
    "Useless values: activations within 5 % of an end, for ReLU zeros; gradients below a "
    "thousandth of what was sent in. A unit is dead where all rows have such values. Two units are "
    "identical where they differ by at most 1 % of the range in every row looked at.": (
        "쓸모없는 값: 양 끝에서 5 % 이내인 활성화값(ReLU는 0), 넣은 것의 1000분의 1보다 작은 "
        "기울기. 모든 데이터에서 그런 값이면 죽은 뉴런이다. 살펴본 모든 데이터에서 차이가 범위의 1 "
        "% 이하이면 똑같은 뉴런이다."
    ),
}

REPRODUCE = {
    "The same seed on the same machine and versions gives the same numbers; elsewhere they differ "
    "by rounding, and what rounding is amplified to.": (
        "같은 기계, 같은 버전에서 같은 시드는 같은 숫자를 낸다. 다른 곳에서는 반올림과 그것이 "
        "증폭된 만큼 다르다."
    ),
    "What made each item": "각 항목을 만든 것",
    "item": "항목",
    "command": "명령",
    "seeds": "시드",
    "versions": "버전",
    "device, machine": "장치, 기계",
    "finished": "완료",
    "remark": "비고",
    "code {digest}": "코드 {digest}",
    "path explorer, activation lab": "경로 탐색기, 활성화값 실험실",
    "computed with the page": "페이지와 함께 계산",
}

PAGE: dict[str, str] = {**FRAME, **CLAIMS, **TROUBLE, **EXPLORER, **LAB, **REPRODUCE}
