// Adam in Rust, for `lockstep check --exec ./adam --against Adam`:  rustc -O --edition 2021 adam.rs
use std::io::{stdin, stdout, BufRead, Read, Result, Write};

const NAMES: [&str; 4] = ["lr", "beta1", "beta2", "eps"];

struct Parameter {
    w: Vec<f64>,
    m: Vec<f64>,
    v: Vec<f64>,
    t: i32,
}

impl Parameter {
    fn step(&mut self, g: &[f64], [lr, beta1, beta2, eps]: [f64; 4]) {
        self.t += 1;
        let (correction1, correction2) = (1.0 - beta1.powi(self.t), 1.0 - beta2.powi(self.t));
        for (i, g) in g.iter().enumerate() {
            self.m[i] += (1.0 - beta1) * (g - self.m[i]);
            self.v[i] = beta2 * self.v[i] + (1.0 - beta2) * g * g;
            let (m_hat, v_hat) = (self.m[i] / correction1, self.v[i] / correction2);
            self.w[i] -= lr * m_hat / (v_hat.sqrt() + eps);
        }
    }
}

/// What stands behind "name": in a line, up to the end of it.
fn after<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_once(&format!("\"{name}\": ")).map(|(_, rest)| rest)
}

fn number(line: &str, name: &str) -> Option<f64> {
    after(line, name)?.split([',', '}']).next()?.parse().ok()
}

fn list(line: &str, name: &str) -> Vec<usize> {
    let inside = after(line, name).and_then(|rest| rest.split(['[', ']']).nth(1)).unwrap_or("");
    inside.split(", ").filter_map(|n| n.parse().ok()).collect()
}

fn read(input: &mut impl Read, size: usize) -> Result<Vec<f64>> {
    let mut bytes = vec![0; 8 * size];
    input.read_exact(&mut bytes)?;
    Ok(bytes.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect())
}

fn main() -> Result<()> {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    let (mut settings, mut line) = ([1e-3, 0.9, 0.999, 1e-8], String::new());
    let mut params: Vec<Parameter> = vec![];
    while input.read_line(&mut line)? > 0 && !line.contains("\"do\": \"bye\"") {
        if line.contains("\"do\": \"hello\"") {
            settings = [0, 1, 2, 3].map(|i| number(&line, NAMES[i]).unwrap_or(settings[i]));
            let own = [0, 1, 2, 3].map(|i| format!("\"{}\": {}", NAMES[i], settings[i])).join(", ");
            writeln!(output, "{{\"lockstep\": 1, \"name\": \"adam.rs\", \"settings\": {{{own}}}}}")?;
        } else if line.contains("\"dtype\"") && !line.contains("\"float64\"") {
            writeln!(output, "{{\"error\": \"it takes float64 only\"}}")?;
        } else {
            if line.contains("\"do\": \"start\"") {
                params.clear();
                for size in list(&line, "sizes") {
                    let (w, m, v) = (read(&mut input, size)?, vec![0.0; size], vec![0.0; size]);
                    params.push(Parameter { w, m, v, t: 0 });
                }
            } else {
                let given = list(&line, "given");
                for (p, _) in params.iter_mut().zip(given).filter(|(_, given)| *given == 1) {
                    p.step(&read(&mut input, p.w.len())?, settings);
                }
            }
            let w: Vec<u8> = params.iter().flat_map(|p| &p.w).flat_map(|w| w.to_le_bytes()).collect();
            writeln!(output, "{{\"bytes\": {}}}", w.len())?;
            output.write_all(&w)?;
        }
        output.flush()?;
        line.clear();
    }
    Ok(())
}
